"""How far each IMAP folder is read."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE folder_cursor (
          account text NOT NULL,
          folder text NOT NULL,
          validity bigint NOT NULL,
          last_uid bigint NOT NULL,
          PRIMARY KEY (account, folder)
        ) WITH (fillfactor = 50)
        """
    )
