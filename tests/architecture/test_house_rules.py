"""Rules of this house, each telling its story when it fails."""

import ast
import re
import subprocess
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = ("ingest_email", "ingest_sms", "ingest_social", "router", "timeline")
SOURCES = sorted(chain(ROOT.glob("libs/*/src/**/*.py"), ROOT.glob("services/*/src/**/*.py")))
MAX_LINES = 300


def tracked() -> list[Path]:
    git = ["git", "ls-files", "-z"]
    listed = subprocess.run(git, cwd=ROOT, capture_output=True, check=True, text=True).stdout  # noqa: S603 - our own words
    return [ROOT / name for name in listed.split("\0") if name]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_the_same_files_so_a_reader_knows_where_to_look(service: str) -> None:
    package = ROOT / "services" / service / "src" / service
    for name in ("__main__.py", "settings.py", "wiring.py", "core", "edges"):
        assert (package / name).exists(), f"{service} lacks {name}"


@pytest.mark.parametrize("path", [p for p in SOURCES if p.name == "__init__.py"], ids=name_of)
def test_a_package_says_what_it_is_and_runs_nothing_on_import(path: Path) -> None:
    body = ast.parse(path.read_text("utf-8")).body
    assert len(body) == 1, "an __init__ holds a docstring and nothing else"
    assert isinstance(body[0], ast.Expr)


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_file_is_one_thing(path: Path) -> None:
    lines = len(path.read_text("utf-8").splitlines())
    assert lines <= MAX_LINES, f"{lines} lines: which two things is it?"


def test_imports_stand_at_the_top_where_cycles_cannot_hide() -> None:
    late = {  # what only some processes need, and every start would pay for: test_starting.py
        ("common/edges/ingest.py", "common.edges.migrations"),
        ("common/edges/tracing.py", "common.edges.spans"),
        ("router/__main__.py", "common.edges"),
        ("router/core/calendars.py", "holidays"),
        ("timeline/__main__.py", "common.edges"),
    }
    hidden = {
        (name_of(path).partition("/src/")[2], getattr(node, "module", None))
        for path in SOURCES
        for function in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert hidden == late


@pytest.mark.parametrize(
    ("word", "home"),
    [
        ("bootstrap_servers", "libs/common/src/common/edges/kafka.py"),
        ("asyncpg.connect(", "libs/common/src/common/edges/postgres.py"),
        ("create_async_engine(", "libs/common/src/common/edges/database.py"),
    ],
)
def test_connections_are_made_in_one_place_so_that_none_forgets_to_encrypt(
    word: str, home: str
) -> None:
    makers = [name_of(path) for path in SOURCES if word in path.read_text("utf-8")]
    assert makers == [home]


def test_nothing_in_the_repository_names_a_registry_or_somebodys_machine() -> None:
    hosts = (
        r"python(?:hosted)|pypi[.]o|registry[.]npmj|deb[.]debian[.]o|repo1?[.]maven|proxy[.]golang"
    )
    forbidden = re.compile(rf"{hosts}|(?:static|index)[.]crates|{re.escape(str(ROOT))}/")
    found = [
        name_of(path)
        for path in tracked()
        if path.is_file() and path != Path(__file__)
        if forbidden.search(path.read_bytes().decode(errors="ignore"))
    ]
    assert found == []


def test_every_link_in_the_documents_leads_somewhere() -> None:
    broken = [
        f"{name_of(document)}: {target}"
        for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text("utf-8"))
        if "://" not in target and not (document.parent / target).exists()
    ]
    assert broken == []


def test_every_make_target_is_explained_and_the_readmes_commands_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^(?!check-)([a-z][a-z-]*):", makefile, re.MULTILINE))
    explained = set(re.findall(r"^([a-z][a-z-]*):.*##", makefile, re.MULTILINE))
    # check-format, check-types, … are steps of `make check`
    assert targets == explained, "`make help` lists every target with one line"
    readme = (ROOT / "README.md").read_text("utf-8")
    assert set(re.findall(r"^make ([a-z-]+)", readme, re.MULTILINE)) <= targets
