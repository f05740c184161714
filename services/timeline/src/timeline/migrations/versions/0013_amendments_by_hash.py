"""What was said of a message, by its hash: a page asks a hundred times, and mostly in vain.

In the primary key that takes four pages of a tree each time, the more the larger the history is.
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_ABOUT = "CREATE INDEX CONCURRENTLY amendment_about ON amendment USING hash (about)"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute(_ABOUT)


def downgrade() -> None:
    raise NotImplementedError("history is not undone by a migration: restore a backup")
