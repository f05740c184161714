"""Two versions of a service share one schema while they are exchanged: migrations allow it."""

from pathlib import Path

from checks.migrations import BASE, ROOT, complaints


def test_no_migration_takes_away_what_the_version_before_needs_or_keeps_it_waiting() -> None:
    assert complaints() == [], "see docs/upgrading.md: expand first, contract a release later"


def test_every_folder_of_migrations_is_looked_at() -> None:
    sources = [*ROOT.glob("libs/*/src/**/versions"), *ROOT.glob("services/*/src/**/versions")]
    assert {path.parent for path in sources} == {ROOT / Path(folder) for folder in BASE}
