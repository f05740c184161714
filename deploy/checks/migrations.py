"""Holds migrations to what the version before can work on, and to keeping nobody waiting.

Two versions of a service work on one schema while they are exchanged, and the older one again after
a rollback. So a migration only adds (it expands); what the older version needs is taken away by a
later one (it contracts), once no release needs it any more. A migration says so in its module:

    contracts = "0011"  the revision since which nothing of ours uses what is taken away here
    brief = "a row an agent: thousands at most"  why what is locked or rewritten takes no time

What was there before the first release is the base and is not looked at.
"""

import importlib.util
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from alembic.migration import MigrationContext
from alembic.operations import Operations

ROOT = Path(__file__).parents[2]
BASE: Mapping[str, str] = {
    "libs/common/src/common/ingest_migrations": "0004",
    "services/ingest_email/src/ingest_email/migrations": "0001",
    "services/ingest_sms/src/ingest_sms/migrations": "0003",
    "services/router/src/router/migrations": "0010",
    "services/timeline/src/timeline/migrations": "0010",
}

_NOISE = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", re.DOTALL)
_BODY = re.compile(r"(\$\w*\$)(.*?)\1", re.DOTALL)
_NAME = r"(?P<table>[\w.\"]+)"
_CREATED = re.compile(rf"CREATE (?:UNLOGGED )?TABLE (?:IF NOT EXISTS )?{_NAME}", re.IGNORECASE)
_IS = r"(?:IF (?:NOT )?EXISTS )?(?:ONLY )?"


@dataclass(frozen=True)
class Rule:
    """A statement that is not allowed on a table that was there before, and what to do instead.

    Where it `breaks`, a contraction may do it; where it only takes long, who says why it does not.
    """

    pattern: re.Pattern[str]
    remedy: str
    breaks: bool


def _rule(pattern: str, remedy: str, *, breaks: bool = False) -> Rule:
    return Rule(re.compile(pattern, re.IGNORECASE), remedy, breaks)


_ALTER = rf"^ALTER TABLE {_IS}{_NAME} .*?\b"
RULES = (
    _rule(
        rf"^DROP (?:TABLE|VIEW|MATERIALIZED VIEW) {_IS}{_NAME}",
        "drop it in a contraction",
        breaks=True,
    ),
    _rule(r"^DROP (?:FUNCTION|TYPE|SEQUENCE)", "drop it in a contraction", breaks=True),
    _rule(
        _ALTER + r"DROP (?!DEFAULT|NOT NULL|EXPRESSION)", "drop it in a contraction", breaks=True
    ),
    _rule(r"^ALTER \w+ .*\bRENAME\b", "add the new name beside, move, contract", breaks=True),
    _rule(
        _ALTER + r"ALTER (?:COLUMN )?\S+ (?:SET DATA )?TYPE\b",
        "add a column of the new type beside, move, contract",
        breaks=True,
    ),
    _rule(
        _ALTER + r"ADD (?:COLUMN )?(?!CONSTRAINT|CHECK|UNIQUE|PRIMARY|FOREIGN|EXCLUDE)"
        r"(?!.*\b(?:DEFAULT|GENERATED)\b)[^,]*\bNOT NULL",
        "give it a default: the version before writes rows without it",
        breaks=True,
    ),
    _rule(
        _ALTER + r"SET NOT NULL",
        "the version before may write nothing there: contract",
        breaks=True,
    ),
    _rule(
        _ALTER + r"(?:ENABLE|FORCE) ROW LEVEL SECURITY",
        "the version before may not name its tenant: contract",
        breaks=True,
    ),
    _rule(
        rf"^CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY).*?\bON (?:ONLY )?{_NAME}",
        "CREATE INDEX CONCURRENTLY in op.get_context().autocommit_block(): nobody can write meanwhile",
    ),
    _rule(r"^DROP INDEX (?!CONCURRENTLY)", "DROP INDEX CONCURRENTLY in an autocommit_block()"),
    _rule(
        _ALTER + r"ADD (?:CONSTRAINT \S+ )?(?:CHECK|FOREIGN KEY)\b(?!.*NOT VALID)",
        "add it NOT VALID and VALIDATE it in the next revision",
    ),
    _rule(
        _ALTER + r"ADD (?:CONSTRAINT \S+ )?(?:UNIQUE|PRIMARY KEY|EXCLUDE)\b(?!.*USING INDEX)",
        "make the index CONCURRENTLY and add the constraint USING INDEX",
    ),
    _rule(
        rf"^(?:UPDATE|DELETE FROM) {_IS}{_NAME}",
        "rewrite rows in batches by a command of the service, beside its work",
    ),
    _rule(r"^(?:LOCK|CLUSTER|VACUUM|REINDEX (?!.*CONCURRENTLY))", "nobody works meanwhile"),
)


def complaints_about(sql: str, *, contracts: bool, brief: bool) -> list[str]:
    """Return what an upgrade's SQL does that the version before, or its users, would suffer from."""
    statements = list(_statements(sql))
    new = {found["table"] for item in statements if (found := _CREATED.match(item))}
    return [
        f"{item[:80]}: {rule.remedy}"
        for item in statements
        for rule in RULES
        if not (contracts if rule.breaks else brief)
        if (found := rule.pattern.search(item)) and found.groupdict().get("table") not in new
    ]


def _statements(sql: str) -> Iterator[str]:
    """Yield each statement on one line, without comments and texts; what DO does, one by one."""
    bare = _NOISE.sub(" '' ", _BODY.sub(_flattened, sql))
    for statement in bare.split(";"):
        if line := re.sub(r"^DO |^BEGIN |^END$", "", " ".join(statement.split())).strip():
            yield line


def _flattened(body: re.Match[str]) -> str:
    """Return what lies between dollars as statements where it is done now, not in a function."""
    before = body.string[: body.start()].rpartition(";")[2]
    is_done_now = re.search(r"\bDO\s*(?:LANGUAGE \w+)?\s*$", before, re.IGNORECASE)
    inside = re.sub(r"\b(?:BEGIN|THEN|ELSE|LOOP)\b", ";", body[2]) if is_done_now else ""
    return f";{inside};" if is_done_now else " '' "


def sql_of(upgrade: Callable[[], None]) -> str:
    """Return what an upgrade would tell the database. Raises what it raises without one."""
    written = io.StringIO()
    options: dict[str, Any] = {"as_sql": True, "output_buffer": written}
    context = MigrationContext.configure(dialect_name="postgresql", opts=options)
    with Operations.context(context):
        upgrade()
    return written.getvalue()


def complaints(root: Path = ROOT, base: Mapping[str, str] = BASE) -> list[str]:
    """Return what is wrong with the migrations that came after the base."""
    found: list[str] = []
    for folder, last in base.items():
        for path in sorted((root / folder / "versions").glob("[0-9]*.py")):
            if path.stem[:4] > last:
                found += [f"{folder}/{path.name}: {one}" for one in _about(_loaded(path))]
    return found


def _about(migration: ModuleType) -> list[str]:
    contracts: str | None = getattr(migration, "contracts", None)
    if contracts is not None and not contracts < migration.revision:
        return [f"contracts {contracts}, which is not an earlier revision"]
    try:
        sql = sql_of(migration.upgrade)
    except Exception as error:  # noqa: BLE001 - whatever a migration asks a database for
        return [f"it asks the database ({error!r}): say it in SQL, move data by a command"]
    brief = bool(getattr(migration, "brief", ""))
    return complaints_about(sql, contracts=contracts is not None, brief=brief)


def _loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(str(path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
