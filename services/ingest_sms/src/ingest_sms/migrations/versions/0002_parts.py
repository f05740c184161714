"""Parts of long messages that wait for each other, and deliveries that may come again."""

from alembic import op

from common.edges.migrations import compress_quickly

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE long_message (
          id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          provider text NOT NULL,
          account text NOT NULL,
          series text NOT NULL,
          total int NOT NULL,
          begun_at timestamptz NOT NULL,
          joined_at timestamptz
        )
        """
    )
    op.execute("CREATE INDEX ON long_message (provider, account, series)")
    op.execute("CREATE INDEX ON long_message (begun_at) WHERE joined_at IS NULL")
    op.execute("CREATE INDEX ON long_message (joined_at) WHERE joined_at IS NOT NULL")
    op.execute(
        """
        CREATE TABLE part (
          message bigint NOT NULL REFERENCES long_message ON DELETE CASCADE,
          number int NOT NULL,
          arrival bigint GENERATED ALWAYS AS IDENTITY,
          fingerprint text NOT NULL,
          original bytea NOT NULL,
          PRIMARY KEY (message, number)
        )
        """
    )
    compress_quickly("part", "original")
    op.execute(
        """
        CREATE TABLE delivery (
          account text NOT NULL,
          fingerprint text NOT NULL,
          first_seen_at timestamptz NOT NULL,
          session text NOT NULL,
          sequence bigint NOT NULL,
          PRIMARY KEY (account, fingerprint)
        )
        """
    )
    op.execute("CREATE INDEX ON delivery (session)")
    op.execute("CREATE INDEX ON delivery (first_seen_at)")
