"""The version before on the schema and the events of this one: what an upgrade, and a rollback, need."""
