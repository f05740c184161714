"""Alembic's entry point for what only this service has in its schema.

The schema's other tables, which all ingest services have, come with common.ingest_migrations and
have a history of their own; hence the name of this one.
"""

from alembic import context

attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    version_table="alembic_version_email",
    version_table_schema=attributes["schema"],
)
with context.begin_transaction():
    context.run_migrations()
