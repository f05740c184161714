"""A partition for each year of history instead of each month.

To open a month costs a page as much as to read what lies in it, and most pages want several. A year
that has months already keeps to months: nothing is moved.
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# Which partition the entries of a month lie in, or would if it were there.
_SPAN = """
CREATE FUNCTION entry_span(month date, OUT name text, OUT starts timestamptz, OUT ends timestamptz)
  LANGUAGE plpgsql AS $$
DECLARE
  year text := to_char(month, 'YYYY');
  first date := to_date(year, 'YYYY');
  length interval := '1 year';
BEGIN
  name := 'entry_' || year;
  IF to_regclass(name) IS NULL AND EXISTS (
    SELECT FROM generate_series(1, 12) AS number
     WHERE to_regclass(format('entry_%s_%s', year, lpad(number::text, 2, '0'))) IS NOT NULL
  ) THEN
    name := 'entry_' || to_char(month, 'YYYY_MM');
    first := date_trunc('month', month::timestamp);
    length := '1 month';
  END IF;
  starts := first::timestamp AT TIME ZONE 'UTC';
  ends := (first + length)::timestamp AT TIME ZONE 'UTC';
END
$$
"""

# What follows has the names that the version before calls, and asks as the revision 0003 did; only
# how much of the history a partition holds is for `entry_span` to say.
_ENSURE_MONTH = """
CREATE OR REPLACE FUNCTION ensure_entry_month(month date) RETURNS void
  LANGUAGE plpgsql SET lock_timeout = '2s' AS $$
DECLARE
  span record;
  first_after timestamptz;
BEGIN
  IF to_regclass((entry_span(month)).name) IS NOT NULL THEN
    RETURN;
  END IF;
  -- Lets one worker in at a time, and shows it what the one before has made; an advisory lock
  -- would not, as it does not refresh what this session knows of the catalogue.
  LOCK TABLE ONLY entry IN SHARE UPDATE EXCLUSIVE MODE;
  span := entry_span(month);
  IF to_regclass(span.name) IS NOT NULL THEN
    RETURN;
  END IF;
  first_after := entry_after_begins();
  IF span.ends <= first_after THEN
    PERFORM fill_entry_month(month);
    PERFORM attach_entry_month(month);
    RETURN;
  END IF;
  LOCK TABLE entry IN ACCESS EXCLUSIVE MODE;
  CREATE TEMP TABLE making_months ON COMMIT DROP AS
    SELECT min(wanted) AS making
      FROM (SELECT month AS wanted
            UNION SELECT date_trunc('month', occurred_at AT TIME ZONE 'UTC')::date
                    FROM entry WHERE occurred_at >= first_after AND occurred_at < span.ends
           ) AS months
     GROUP BY (entry_span(wanted)).name;
  PERFORM fill_entry_month(making_months.making) FROM making_months;
  ALTER TABLE entry DETACH PARTITION entry_after;
  PERFORM attach_entry_month(making_months.making) FROM making_months;
  EXECUTE format('ALTER TABLE entry ATTACH PARTITION entry_after FOR VALUES FROM (%L) TO (MAXVALUE)',
                 span.ends);
  DROP TABLE making_months;
END
$$
"""
# What is over is looked for by its time, and entries come nearly in its order: a BRIN index is small
# and costs the writer next to nothing.
_FILL_MONTH = """
CREATE OR REPLACE FUNCTION fill_entry_month(month date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  span record := entry_span(month);
BEGIN
  EXECUTE format('CREATE TABLE %I (LIKE entry INCLUDING ALL)', span.name);
  EXECUTE format('CREATE INDEX ON %I USING brin (occurred_at) WITH (autosummarize)', span.name);
  EXECUTE format(
    'WITH moved AS (DELETE FROM entry WHERE occurred_at >= %L AND occurred_at < %L RETURNING *)
     INSERT INTO %I SELECT * FROM moved', span.starts, span.ends, span.name);
  EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', span.name);
  EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', span.name);
END
$$
"""
_ATTACH_MONTH = """
CREATE OR REPLACE FUNCTION attach_entry_month(month date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  span record := entry_span(month);
BEGIN
  EXECUTE format('ALTER TABLE entry ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                 span.name, span.starts, span.ends);
END
$$
"""


def upgrade() -> None:
    for function in (_SPAN, _FILL_MONTH, _ATTACH_MONTH, _ENSURE_MONTH):
        op.execute(function)


def downgrade() -> None:
    raise NotImplementedError("history is not undone by a migration: restore a backup")
