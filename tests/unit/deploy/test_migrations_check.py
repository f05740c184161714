"""Each way in which a migration hurts the version before is found; what only adds is not."""

from pathlib import Path

import pytest

from checks.migrations import BASE, ROOT, complaints, complaints_about

BREAKING = (
    "DROP TABLE offer",
    "DROP TABLE IF EXISTS offer",
    "ALTER TABLE offer DROP COLUMN note",
    "ALTER TABLE offer ADD COLUMN a int, DROP COLUMN note",
    "ALTER TABLE offer DROP CONSTRAINT offer_key",
    "ALTER TABLE offer RENAME COLUMN note TO remark",
    "ALTER TABLE offer RENAME TO proposal",
    "ALTER INDEX offer_page RENAME TO proposal_page",
    "ALTER TABLE offer ALTER COLUMN units TYPE bigint",
    "ALTER TABLE offer ADD COLUMN channel text NOT NULL",
    "ALTER TABLE offer ADD channel text NOT NULL",
    "ALTER TABLE offer ALTER COLUMN channel SET NOT NULL",
    "ALTER TABLE offer ENABLE ROW LEVEL SECURITY",
    "DROP FUNCTION ensure_entry_month(date)",
    "DO $$ BEGIN IF true THEN ALTER TABLE offer DROP COLUMN note; END IF; END $$",
)
LONG = (
    "CREATE INDEX offer_channel ON offer (channel)",
    "CREATE UNIQUE INDEX offer_channel ON offer (channel)",
    "DROP INDEX offer_channel",
    "ALTER TABLE offer ADD CONSTRAINT positive CHECK (units > 0)",
    "ALTER TABLE offer ADD CONSTRAINT his FOREIGN KEY (agent) REFERENCES agent",
    "ALTER TABLE offer ADD CONSTRAINT one UNIQUE (case_id)",
    "UPDATE offer SET channel = 'sms'",
    "DELETE FROM offer WHERE ended",
    "LOCK TABLE offer",
)
HARMLESS = (
    "ALTER TABLE offer ADD COLUMN channel text",
    "ALTER TABLE offer ADD COLUMN units int NOT NULL DEFAULT 1",
    "ALTER TABLE offer ALTER COLUMN note DROP NOT NULL",
    "ALTER TABLE offer ADD CONSTRAINT positive CHECK (units > 0) NOT VALID",
    "ALTER TABLE offer VALIDATE CONSTRAINT positive",
    "CREATE INDEX CONCURRENTLY offer_channel ON offer (channel)",
    "CREATE TABLE note (id int NOT NULL); CREATE INDEX note_id ON note (id)",
    "CREATE TABLE note (id int); ALTER TABLE note ENABLE ROW LEVEL SECURITY",
    "COMMENT ON TABLE offer IS 'DROP TABLE offer'",
    "-- DROP TABLE offer\nSELECT 1",
    "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DELETE FROM offer; END $$",
)


@pytest.mark.parametrize("sql", BREAKING)
def test_what_the_version_before_needs_goes_in_a_contraction_only(sql: str) -> None:
    assert complaints_about(sql, contracts=False, brief=True)
    assert complaints_about(sql, contracts=True, brief=True) == []


@pytest.mark.parametrize("sql", LONG)
def test_what_keeps_everybody_waiting_says_why_it_takes_no_time(sql: str) -> None:
    assert complaints_about(sql, contracts=True, brief=False)
    assert complaints_about(sql, contracts=False, brief=True) == []


@pytest.mark.parametrize("sql", HARMLESS)
def test_what_only_adds_is_allowed(sql: str) -> None:
    assert complaints_about(sql, contracts=False, brief=False) == []


def test_a_migration_after_the_base_is_read_from_its_file(tmp_path: Path) -> None:
    versions = tmp_path / "router" / "versions"
    versions.mkdir(parents=True)
    head = 'from alembic import op\nrevision = "{0}"\ndown_revision = None\n'
    drop = 'def upgrade() -> None:\n    op.drop_column("offer", "note")\n'
    asks = "def upgrade() -> None:\n    op.get_bind().execute(None)\n"
    for number, text in {
        "0001": drop,  # the base
        "0002": drop,
        "0003": 'contracts = "0002"\n' + drop,
        "0004": 'contracts = "0005"\n' + drop,
        "0005": asks,
    }.items():
        (versions / f"{number}_change.py").write_text(head.format(number) + text)
    found = complaints(tmp_path, {"router": "0001"})
    assert [line.partition(":")[0][-14:-10] for line in found] == ["0002", "0004", "0005"]


def test_the_rules_would_find_what_the_base_did_before_there_was_a_release() -> None:
    found = complaints(ROOT, dict.fromkeys(BASE, "0000"))
    assert any("DROP INDEX entry_page" in line for line in found)
