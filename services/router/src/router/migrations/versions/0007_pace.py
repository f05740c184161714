"""What lets assignment keep pace: names compared byte by byte, and fewer indexes to write a case to."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# Names are looked up by index and never sorted for people: comparing bytes takes a third of the
# time that the rules of a language take.
_NAMES = """
ALTER TABLE support_case
  ALTER COLUMN queue TYPE text COLLATE "C",
  ALTER COLUMN agent TYPE text COLLATE "C"
"""
# A conversation's open case is found by `support_case_open`.
_OLD_CONVERSATIONS = "DROP INDEX support_case_conversation"
_CONVERSATIONS = """
CREATE INDEX support_case_conversation ON support_case (conversation, tenant, resolved_at)
 WHERE state = 'resolved'
"""
# Who is free is asked for by name, a page at a time.
_OLD_FREE = "DROP INDEX agent_free"
_FREE = """
CREATE INDEX agent_free ON agent (tenant, agent) WHERE presence = 'online' AND load < capacity
"""


def upgrade() -> None:
    """Change what slowed assignment down."""
    for statement in (_NAMES, _OLD_CONVERSATIONS, _CONVERSATIONS, _OLD_FREE, _FREE):
        op.execute(statement)
