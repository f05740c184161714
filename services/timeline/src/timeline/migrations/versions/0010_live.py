"""What changed, in the order in which it was committed: what live streams follow and resume from.

One row a batch, tenant and kind of change, with its lines as arrays, so that the writer pays a
statement for a batch and nothing for an entry.
"""

from alembic import op

from common.edges.migrations import isolate_tenants

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# A line tells that something was written of a contact: the event, when it happened, and the message
# that it is `about`. A move has one line, of the first of the contacts that went from one customer
# to another; `merged`: because the former became the latter. `last` is the number of the last line.
_CHANGE = """
CREATE TABLE change (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant text NOT NULL,
  last bigint,
  contact_ids bigint[] NOT NULL,
  event_ids uuid[],
  occurred_at timestamptz[],
  abouts uuid[],
  moved_from uuid,
  moved_to uuid,
  merged boolean
) WITH (fillfactor = 70)
"""

# Numbers begin at the microsecond in which the schema was made: a timeline that is rebuilt gives
# none that an older one gave, and a number from before is known to be one.
_COUNT = """
CREATE TABLE change_count (total bigint NOT NULL) WITH (fillfactor = 10)
"""
_BEGIN = "INSERT INTO change_count SELECT extract(epoch FROM now()) * 1000000"

# At the very end of a transaction: numbers are therefore in the order of the commits, without a
# gap, and the row that counts is locked for no longer than the commit itself takes. Whoever sees a
# number sees all before it.
_NUMBER = """
CREATE FUNCTION number_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE change_count SET total = total + cardinality(NEW.contact_ids);
  UPDATE change
     SET last = (SELECT total FROM change_count),
         merged = EXISTS (SELECT FROM customer
                           WHERE customer.id = NEW.moved_from AND merged_into IS NOT NULL)
   WHERE id = NEW.id;
  PERFORM pg_notify('timeline_changes', '');
  RETURN NULL;
END
$$
"""
_AT_COMMIT = """
CREATE CONSTRAINT TRIGGER number AFTER INSERT ON change
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION number_change()
"""

# Whoever moves contacts, by whichever statement, tells of it.
_TELL_MOVES = """
CREATE FUNCTION tell_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change (tenant, contact_ids, moved_from, moved_to)
  SELECT now_is.tenant, ARRAY[min(now_is.id)], was.customer_id, now_is.customer_id
    FROM was JOIN now_is USING (id)
   WHERE was.customer_id <> now_is.customer_id
   GROUP BY now_is.tenant, was.customer_id, now_is.customer_id;
  RETURN NULL;
END
$$
"""
_ON_MOVES = """
CREATE TRIGGER tell_moves AFTER UPDATE ON contact
  REFERENCING OLD TABLE AS was NEW TABLE AS now_is
  FOR EACH STATEMENT EXECUTE FUNCTION tell_moves()
"""


def upgrade() -> None:
    for statement in (_CHANGE, _COUNT, _BEGIN, _NUMBER, _AT_COMMIT, _TELL_MOVES, _ON_MOVES):
        op.execute(statement)
    op.execute("CREATE INDEX change_last ON change (last)")
    isolate_tenants("change")


def downgrade() -> None:
    raise NotImplementedError("history is not undone by a migration: restore a backup")
