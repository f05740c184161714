"""The durable inbox."""

from common.edges.migrations import create_inbox

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_inbox()
