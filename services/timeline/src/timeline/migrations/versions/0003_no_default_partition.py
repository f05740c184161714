"""Impossible dates lie before and after all months instead of anywhere.

Where any date may lie in one partition, Postgres must look into every month for each page. Without
such a one it begins with the newest month and stops when the page is full.
"""

from alembic import op

from timeline.core.months import EARLIEST

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# The months that have a partition need not be neighbours: a month between them is made when its
# first entry turns up. Only what is later than all of them has to make room.
# A month is attached, not created in place: that would lock out every reader of the history. To
# move `entry_after` does lock them out, for the moment that it takes, once a month.
_ENSURE_MONTH = """
CREATE OR REPLACE FUNCTION ensure_entry_month(month date) RETURNS void
  LANGUAGE plpgsql SET lock_timeout = '2s' AS $$
DECLARE
  ends timestamptz := (month + interval '1 month')::timestamp AT TIME ZONE 'UTC';
  first_after timestamptz;
BEGIN
  IF to_regclass('entry_' || to_char(month, 'YYYY_MM')) IS NOT NULL THEN
    RETURN;
  END IF;
  -- Lets one worker in at a time, and shows it what the one before has made; an advisory lock
  -- would not, as it does not refresh what this session knows of the catalogue.
  LOCK TABLE ONLY entry IN SHARE UPDATE EXCLUSIVE MODE;
  IF to_regclass('entry_' || to_char(month, 'YYYY_MM')) IS NOT NULL THEN
    RETURN;
  END IF;
  first_after := entry_after_begins();
  IF ends <= first_after THEN
    PERFORM fill_entry_month(month);
    PERFORM attach_entry_month(month);
    RETURN;
  END IF;
  LOCK TABLE entry IN ACCESS EXCLUSIVE MODE;
  CREATE TEMP TABLE making_months ON COMMIT DROP AS
    SELECT month AS making
    UNION SELECT date_trunc('month', occurred_at AT TIME ZONE 'UTC')::date
            FROM entry WHERE occurred_at >= first_after AND occurred_at < ends;
  PERFORM fill_entry_month(making_months.making) FROM making_months;
  ALTER TABLE entry DETACH PARTITION entry_after;
  PERFORM attach_entry_month(making_months.making) FROM making_months;
  EXECUTE format('ALTER TABLE entry ATTACH PARTITION entry_after FOR VALUES FROM (%L) TO (MAXVALUE)',
                 ends);
  DROP TABLE making_months;
END
$$
"""
_AFTER_BEGINS = """
CREATE FUNCTION entry_after_begins() RETURNS timestamptz LANGUAGE sql AS $$
  SELECT CAST(substring(pg_get_expr(relpartbound, oid) FROM '''([^'']+)''') AS timestamptz)
    FROM pg_class WHERE oid = to_regclass('entry_after')
$$
"""
# Rows are moved through `entry`, whose policy counts: a partition shows nothing by itself.
_FILL_MONTH = """
CREATE FUNCTION fill_entry_month(month date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  name text := 'entry_' || to_char(month, 'YYYY_MM');
BEGIN
  EXECUTE format('CREATE TABLE %I (LIKE entry INCLUDING ALL)', name);
  EXECUTE format(
    'WITH moved AS (DELETE FROM entry WHERE occurred_at >= %L AND occurred_at < %L RETURNING *)
     INSERT INTO %I SELECT * FROM moved',
    month::timestamp AT TIME ZONE 'UTC',
    (month + interval '1 month')::timestamp AT TIME ZONE 'UTC', name);
  EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
  EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
END
$$
"""
_ATTACH_MONTH = """
CREATE FUNCTION attach_entry_month(month date) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE entry ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                 'entry_' || to_char(month, 'YYYY_MM'), month::timestamp AT TIME ZONE 'UTC',
                 (month + interval '1 month')::timestamp AT TIME ZONE 'UTC');
END
$$
"""

# What lies among the impossible dates goes to the side where it belongs.
_DIVIDE = f"""
DO $$
DECLARE
  last_month text := (SELECT max(relname) FROM pg_class
                       WHERE relnamespace = to_regnamespace(current_schema())
                         AND relkind = 'r' AND relname ~ '^entry_[0-9]{{4}}_[0-9]{{2}}$');
  earliest timestamptz := timestamp '{EARLIEST}' AT TIME ZONE 'UTC';
  first_after timestamptz := coalesce(
    (to_date(substr(last_month, 7), 'YYYY_MM') + interval '1 month')::timestamp AT TIME ZONE 'UTC',
    earliest);
BEGIN
  CREATE TABLE entry_before (LIKE entry INCLUDING ALL);
  CREATE TABLE entry_after (LIKE entry INCLUDING ALL);
  WITH moved AS (DELETE FROM entry WHERE occurred_at < earliest RETURNING *)
  INSERT INTO entry_before SELECT * FROM moved;
  WITH moved AS (DELETE FROM entry WHERE occurred_at >= first_after RETURNING *)
  INSERT INTO entry_after SELECT * FROM moved;
  DROP TABLE entry_elsewhen;
  EXECUTE format('ALTER TABLE entry ATTACH PARTITION entry_before
                  FOR VALUES FROM (MINVALUE) TO (%L)', earliest);
  EXECUTE format('ALTER TABLE entry ATTACH PARTITION entry_after
                  FOR VALUES FROM (%L) TO (MAXVALUE)', first_after);
END
$$
"""  # noqa: S608 - a date of our own


def upgrade() -> None:
    op.execute(_DIVIDE)
    for table in ("entry_before", "entry_after"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for function in (_AFTER_BEGINS, _FILL_MONTH, _ATTACH_MONTH, _ENSURE_MONTH):
        op.execute(function)


def downgrade() -> None:
    raise NotImplementedError("history is not undone by a migration: restore a backup")
