"""Which replica reads a mailbox or asks a provider, where only one may."""

from common.edges.migrations import create_leases

revision = "0004_lease"
down_revision = "0003_poll_cursor"


def upgrade() -> None:
    create_leases()
