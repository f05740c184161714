"""What is long is compressed by LZ4: decisions, mails and what is known of a case took twice the time.

Rows of before stay as they are, and are read as before.
"""

from common.edges.migrations import compress_quickly

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_LONG = (
    ("entry", "body"),
    ("search_document", "plain"),
    ("figure_case", "facts"),
    ("figure_case", "counted"),
    ("figure_case", "story"),
)


def upgrade() -> None:
    for table, column in _LONG:
        compress_quickly(table, column)


def downgrade() -> None:
    raise NotImplementedError("history is not undone by a migration: restore a backup")
