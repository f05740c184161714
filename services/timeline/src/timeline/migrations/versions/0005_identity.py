"""Who was whose and since when; what people decided about it, and what waits for their decision."""

import msgspec
from alembic import op
from sqlalchemy import text

from common.core.ids import derived_id
from common.edges.migrations import create_idempotency, isolate_tenants

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# One row for each time that a contact had an owner, from its first move on: one that never moved
# is its own customer since it was first seen. `born`: that customer of its own, whose id is derived
# from the contact. An interval may be empty: a contact that came and moved in one event.
_CONTACT_OWNER = """
CREATE TABLE contact_owner (
  sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant text NOT NULL,
  contact_id bigint NOT NULL REFERENCES contact,
  customer_id uuid NOT NULL REFERENCES customer,
  valid_from timestamptz NOT NULL,
  valid_to timestamptz,
  born boolean NOT NULL,
  cause uuid NOT NULL
);
CREATE INDEX contact_owner_customer ON contact_owner (customer_id);
CREATE UNIQUE INDEX contact_owner_last ON contact_owner (contact_id) WHERE valid_to IS NULL;
"""

# `moved_at` is strictly later with every move, so that a reader of the bus can tell which was last.
# `popular`: so many profiles name it that it is nobody's own.
_CONTACT = """
ALTER TABLE contact ADD COLUMN moved_at timestamptz;
ALTER TABLE contact ADD COLUMN popular boolean NOT NULL DEFAULT false;
"""

# Evidence counts in the order in which it was true, not heard: `changed_at`, then `cause`. One that
# is `refused` links nobody, and says why not.
_LINK = """
ALTER TABLE link ADD COLUMN source text NOT NULL DEFAULT '';
ALTER TABLE link ADD COLUMN changed_at timestamptz;
ALTER TABLE link ADD COLUMN refused text;
ALTER TABLE link ADD COLUMN approved uuid;
ALTER TABLE link ADD COLUMN barred uuid;
UPDATE link SET changed_at = linked_at;
ALTER TABLE link ALTER COLUMN changed_at SET NOT NULL;
"""

# `person`: who asked for it, where it was no event.
_MERGE = """
ALTER TABLE merge ADD COLUMN merge_id uuid;
ALTER TABLE merge ADD COLUMN person text;
ALTER TABLE merge ADD COLUMN profiles text[] NOT NULL DEFAULT '{}';
ALTER TABLE merge ADD COLUMN undone_at timestamptz;
ALTER TABLE merge ADD COLUMN undone_by uuid;
CREATE UNIQUE INDEX merge_name ON merge (merge_id);
CREATE INDEX merge_survivor ON merge (survivor);
"""

# What people decided, so that it is carried out once; the decision itself stands on the bus.
_DECISION = """
CREATE TABLE identity_decision (
  tenant text NOT NULL,
  decision_id uuid NOT NULL,
  kind text NOT NULL,
  person text NOT NULL,
  decided_at timestamptz NOT NULL,
  PRIMARY KEY (decision_id, tenant)
)
"""

# What people said of two contacts (`one` < `other`): together, apart, or nothing any more. The last
# word counts.
_VERDICT = """
CREATE TABLE verdict (
  tenant text NOT NULL,
  one bigint NOT NULL REFERENCES contact,
  other bigint NOT NULL REFERENCES contact,
  said text NOT NULL,
  decided_at timestamptz NOT NULL,
  cause uuid NOT NULL,
  person text NOT NULL,
  PRIMARY KEY (one, other),
  CHECK (one < other)
);
CREATE INDEX verdict_other ON verdict (other);
"""

# Contacts that are nobody's own: a contact as it is, or `email:info@` for that mailbox anywhere.
_BLOCKED = """
CREATE TABLE blocked (
  tenant text NOT NULL,
  pattern text COLLATE "C" NOT NULL,
  note text,
  person text NOT NULL,
  decided_at timestamptz NOT NULL,
  blocked boolean NOT NULL,
  PRIMARY KEY (pattern, tenant)
)
"""

# What a profile names and was not linked. `open` waits for somebody; `settled` is linked by now.
_REVIEW = """
CREATE TABLE review (
  review_id uuid PRIMARY KEY,
  tenant text NOT NULL,
  customer_ref text COLLATE "C" NOT NULL,
  contact text COLLATE "C" NOT NULL,
  reason text NOT NULL,
  cause uuid NOT NULL,
  found_at timestamptz NOT NULL,
  state text NOT NULL,
  person text,
  closed_at timestamptz
);
CREATE INDEX review_open ON review (tenant, found_at, review_id) WHERE state = 'open';
CREATE INDEX review_profile ON review (customer_ref, tenant);
"""

# Two profiles that may be of one person (`one` < `other`), and how alike they are.
_SUGGESTION = """
CREATE TABLE suggestion (
  suggestion_id uuid PRIMARY KEY,
  tenant text NOT NULL,
  one text COLLATE "C" NOT NULL,
  other text COLLATE "C" NOT NULL,
  score real NOT NULL,
  likeness json NOT NULL,
  found_at timestamptz NOT NULL,
  state text NOT NULL,
  person text,
  closed_at timestamptz,
  FOREIGN KEY (one, tenant) REFERENCES profile (customer_ref, tenant) ON DELETE CASCADE,
  FOREIGN KEY (other, tenant) REFERENCES profile (customer_ref, tenant) ON DELETE CASCADE
);
CREATE INDEX suggestion_one ON suggestion (one, tenant);
CREATE INDEX suggestion_other ON suggestion (other, tenant);
"""

# Under which keys a profile is looked for when another one resembles it.
_PROFILE_KEY = """
CREATE TABLE profile_key (
  tenant text NOT NULL,
  key text COLLATE "C" NOT NULL,
  customer_ref text COLLATE "C" NOT NULL,
  PRIMARY KEY (key, tenant, customer_ref)
);
CREATE INDEX profile_key_ref ON profile_key (customer_ref, tenant);
"""

# The companies that people belong to: what the newest profile that tells of one says.
_ACCOUNT = """
CREATE TABLE account (
  tenant text NOT NULL,
  account_id text COLLATE "C" NOT NULL,
  tells boolean NOT NULL,
  told_at timestamptz NOT NULL,
  cause uuid NOT NULL,
  body json NOT NULL,
  PRIMARY KEY (account_id, tenant)
);
CREATE TABLE account_member (
  tenant text NOT NULL,
  account_id text COLLATE "C" NOT NULL,
  customer_ref text COLLATE "C" NOT NULL,
  PRIMARY KEY (account_id, tenant, customer_ref)
);
CREATE INDEX account_member_ref ON account_member (customer_ref, tenant);
"""

_TENANTS = (
    *("contact_owner", "identity_decision", "verdict", "blocked", "review"),
    *("suggestion", "profile_key", "account", "account_member"),
)


def upgrade() -> None:
    for table in (_CONTACT_OWNER, _CONTACT, _LINK, _MERGE, _DECISION, _VERDICT, _BLOCKED):
        _each(table)
    for table in (_REVIEW, _SUGGESTION, _PROFILE_KEY, _ACCOUNT):
        _each(table)
    _tell_the_past()
    isolate_tenants(*_TENANTS)
    create_idempotency()


def downgrade() -> None:
    raise NotImplementedError("history is not undone by a migration: restore a backup")


def _each(statements: str) -> None:
    for statement in filter(str.strip, statements.split(";")):
        op.execute(statement)


_MERGES = "SELECT id, tenant, survivor, absorbed, contacts, cause, merged_at FROM merge ORDER BY id"
_NAME = "UPDATE merge SET merge_id = :name WHERE id = :id"
_ENDS = """
UPDATE contact_owner SET valid_to = greatest(:at, valid_from)
  FROM contact WHERE contact.id = contact_id AND valid_to IS NULL
   AND address = ANY(CAST(:contacts AS text[])) AND contact.tenant = :tenant
"""
_BEGAN = """
INSERT INTO contact_owner (tenant, contact_id, customer_id, valid_from, valid_to, born, cause)
SELECT tenant, id, :absorbed, first_seen, greatest(:at, first_seen), true, :cause
  FROM contact WHERE address = ANY(CAST(:contacts AS text[])) AND tenant = :tenant
   AND NOT EXISTS (SELECT FROM contact_owner WHERE contact_id = contact.id)
"""
_MOVED = """
INSERT INTO contact_owner (tenant, contact_id, customer_id, valid_from, born, cause)
SELECT tenant, id, :survivor, greatest(:at, first_seen), false, :cause
  FROM contact WHERE address = ANY(CAST(:contacts AS text[])) AND tenant = :tenant
"""
_LAST = """
UPDATE contact SET moved_at = valid_from
  FROM contact_owner WHERE contact_id = contact.id AND valid_to IS NULL
"""


def _tell_the_past() -> None:
    """Give each merge its name, and each contact the owners that the log of merges tells of."""
    connection = op.get_bind()
    for merge in connection.execute(text(_MERGES)).all():
        ids = (str(merge.absorbed), str(merge.survivor), str(merge.cause))
        name = derived_id("customers.merged", merge.tenant, *ids, merge.merged_at.isoformat())
        connection.execute(text(_NAME), {"id": merge.id, "name": name})
        moved = {
            "tenant": merge.tenant,
            "contacts": _decoded(merge.contacts),
            "at": merge.merged_at,
            "cause": merge.cause,
        }
        connection.execute(text(_BEGAN), moved | {"absorbed": merge.absorbed})
        del moved["cause"]
        connection.execute(text(_ENDS), moved)
        moved |= {"survivor": merge.survivor, "cause": merge.cause}
        connection.execute(text(_MOVED), moved)
    connection.execute(text(_LAST))
    op.execute("ALTER TABLE merge ALTER COLUMN merge_id SET NOT NULL")


def _decoded(contacts: object) -> list[str]:
    return msgspec.convert(
        msgspec.json.decode(contacts) if isinstance(contacts, str) else contacts, list[str]
    )
