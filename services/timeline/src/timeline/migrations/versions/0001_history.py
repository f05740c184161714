"""One history: contacts and their customers, the evidence that joins them, and the entries."""

from alembic import op

from common.edges.migrations import create_consumer_tables, create_outbox, isolate_tenants

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# `merged_into` is written once: the tree of merges is kept, and read upwards.
_CUSTOMER = """
CREATE TABLE customer (
  id uuid PRIMARY KEY,
  tenant text NOT NULL,
  created_at timestamptz NOT NULL,
  merged_into uuid REFERENCES customer
)
"""

# `customer_id` is always a customer who is not merged away. `shared`: several people use this
# address, so no profile links it to anybody.
_CONTACT = """
CREATE TABLE contact (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant text NOT NULL,
  address text COLLATE "C" NOT NULL,
  customer_id uuid NOT NULL REFERENCES customer,
  shared boolean NOT NULL DEFAULT false,
  first_seen timestamptz NOT NULL,
  UNIQUE (address, tenant)
)
"""

# A profile has no customer of its own: it is about whoever the contacts it links belong to.
_PROFILE = """
CREATE TABLE profile (
  tenant text NOT NULL,
  customer_ref text COLLATE "C" NOT NULL,
  event_id uuid NOT NULL,
  changed_at timestamptz NOT NULL,
  body json NOT NULL,
  PRIMARY KEY (customer_ref, tenant)
)
"""

# Evidence: this profile named this contact, first in the event `cause`.
_LINK = """
CREATE TABLE link (
  tenant text NOT NULL,
  customer_ref text COLLATE "C" NOT NULL,
  contact_id bigint NOT NULL REFERENCES contact,
  cause uuid NOT NULL,
  linked_at timestamptz NOT NULL,
  PRIMARY KEY (customer_ref, tenant, contact_id)
)
"""

# Consequence: what moved, when and why, so that it can be moved back.
_MERGE = """
CREATE TABLE merge (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant text NOT NULL,
  survivor uuid NOT NULL REFERENCES customer,
  absorbed uuid NOT NULL REFERENCES customer,
  contacts json NOT NULL,
  cause uuid NOT NULL,
  merged_at timestamptz NOT NULL
)
"""

# Every event that has become an entry, so that it counts once: a provider without a time of its
# own gives a redelivery another `occurred_at`, which therefore cannot be part of the key. The rest
# says where the entry lies.
# In keys that hold a tenant, what differs most comes first: it is compared first.
_SEEN = """
CREATE TABLE seen (
  tenant text NOT NULL,
  event_id uuid NOT NULL,
  contact_id bigint NOT NULL,
  occurred_at timestamptz NOT NULL,
  PRIMARY KEY (event_id, tenant)
)
"""

# `body` is json, not jsonb: the text as it stood, and with `\\u0000`, which jsonb cannot hold.
# Nothing in SQL may therefore look into it with ->>.
_ENTRY_COLUMNS = """
  tenant text NOT NULL,
  contact_id bigint NOT NULL,
  occurred_at timestamptz NOT NULL,
  topic smallint NOT NULL,
  partition smallint NOT NULL,
  "offset" bigint NOT NULL,
  event_id uuid NOT NULL,
  learned_at timestamptz NOT NULL,
  type text NOT NULL,
  kind text NOT NULL,
  channel text,
  direction text,
  message uuid,
  body json NOT NULL
"""
_ENTRY = f"CREATE TABLE entry ({_ENTRY_COLUMNS}) PARTITION BY RANGE (occurred_at)"
_PAGES = """
CREATE INDEX entry_page ON entry (contact_id, occurred_at, topic, partition, "offset")
"""
_IMPOSSIBLE_DATES = "CREATE TABLE entry_elsewhen PARTITION OF entry DEFAULT"

# What was later said of a message: delivery statuses, which stand nowhere else, and a copy of
# edits, unsends and reactions, to be found by their message whenever they came.
_AMENDMENT = f"""
CREATE TABLE amendment ({_ENTRY_COLUMNS}, PRIMARY KEY (contact_id, message, event_id))
"""

# A month is attached, not created in place: that would lock out every reader of the history.
# What lay among the impossible dates has become possible by now and moves along.
_ENSURE_MONTH = """
CREATE FUNCTION ensure_entry_month(month date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  name text := 'entry_' || to_char(month, 'YYYY_MM');
  starts timestamptz := month::timestamp AT TIME ZONE 'UTC';
  ends timestamptz := (month + interval '1 month')::timestamp AT TIME ZONE 'UTC';
BEGIN
  IF to_regclass(name) IS NOT NULL THEN
    RETURN;
  END IF;
  -- Lets one worker in at a time, and shows it what the one before has made; an advisory lock
  -- would not, as it does not refresh what this session knows of the catalogue.
  LOCK TABLE entry_elsewhen IN ACCESS EXCLUSIVE MODE;
  IF to_regclass(name) IS NOT NULL THEN
    RETURN;
  END IF;
  EXECUTE format('CREATE TABLE %I (LIKE entry INCLUDING ALL)', name);
  EXECUTE format(
    'WITH moved AS (DELETE FROM entry WHERE occurred_at >= %L AND occurred_at < %L RETURNING *)
     INSERT INTO %I SELECT * FROM moved', starts, ends, name);
  -- Without a policy of its own, a partition shows nothing to whoever asks it directly.
  EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
  EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
  EXECUTE format('ALTER TABLE entry ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                 name, starts, ends);
END
$$
"""


def upgrade() -> None:
    create_consumer_tables()
    create_outbox()
    for table in (_CUSTOMER, _CONTACT, _PROFILE, _LINK, _MERGE, _SEEN):
        op.execute(table)
    for statement in (_ENTRY, _PAGES, _IMPOSSIBLE_DATES, _AMENDMENT):
        op.execute(statement)
    op.execute("CREATE INDEX contact_customer ON contact (customer_id)")
    op.execute("CREATE INDEX customer_merged ON customer (merged_into)")
    op.execute("CREATE INDEX link_contact ON link (contact_id)")
    op.execute("CREATE INDEX merge_absorbed ON merge (absorbed)")
    op.execute(_ENSURE_MONTH)
    isolate_tenants("customer", "contact", "profile", "link", "merge", "seen", "entry", "amendment")
    # As in ensure_entry_month: visible through `entry`, whose policy counts, and not directly.
    op.execute("ALTER TABLE entry_elsewhen ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE entry_elsewhen FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    raise NotImplementedError("history is not undone by a migration: restore a backup")
