"""How far each account that we ask (rather than being told) has been read."""

from alembic import op

revision = "0003_poll_cursor"
down_revision = "0002_media"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE poll_cursor (
          provider text NOT NULL,
          account text NOT NULL,
          position text NOT NULL,
          PRIMARY KEY (provider, account)
        ) WITH (fillfactor = 50)
        """
    )
