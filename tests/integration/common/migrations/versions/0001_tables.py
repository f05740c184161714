"""The shared tables, and one for what handlers do."""

from alembic import op

from common.edges.migrations import (
    create_consumer_tables,
    create_inbox,
    create_outbox,
    isolate_tenants,
)

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_consumer_tables()
    create_outbox()
    create_inbox()
    op.execute("CREATE TABLE effect (id bigint GENERATED ALWAYS AS IDENTITY, note text NOT NULL)")
    op.execute("CREATE TABLE secret (tenant text NOT NULL, note text NOT NULL)")
    isolate_tenants("secret")
