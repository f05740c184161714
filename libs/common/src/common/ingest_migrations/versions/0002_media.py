"""Files that messages point to: what is still to be fetched, and what tells that it was."""

from common.edges.migrations import create_consumer_tables, create_media_queue, create_outbox

revision = "0002_media"  # a service with scripts of its own has another 0002
down_revision = "0001"


def upgrade() -> None:
    create_consumer_tables()
    create_outbox()
    create_media_queue()
