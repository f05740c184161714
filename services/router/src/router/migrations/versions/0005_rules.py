"""Every version of the rules that was ever in force, and when which was."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Rules are the whole installation's, not a tenant's: no row-level security.
_VERSION = """
CREATE TABLE rules_version (
  version text PRIMARY KEY,
  rules text NOT NULL,
  loaded_at timestamptz NOT NULL,
  loaded_by text NOT NULL,
  note text
)
"""
# Nothing is ever changed here: what is in force is the row of the highest id.
_ACTIVATION = """
CREATE TABLE rules_activation (
  id int PRIMARY KEY,
  version text NOT NULL REFERENCES rules_version,
  activated_at timestamptz NOT NULL,
  activated_by text NOT NULL,
  reason text
)
"""


def upgrade() -> None:
    """Add what activating and rolling back need."""
    op.execute(_VERSION)
    op.execute(_ACTIVATION)
