"""The version before: checked out beside the repository, with a virtual environment of its own."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local_stack.errors import StackError
from local_stack.layout import JARS_FOLDER, ROOT
from local_stack.report import Report
from local_stack.settings import environment_with

MIGRATIONS = ":(glob)**/*migrations/versions/*.py"
EXAMPLES = Path(__file__).with_name("examples.py")
HELPERS = Path("libs/common/src/common/edges/migrations.py")
SUITES = ("common", "router", "timeline", "ingest_email", "ingest_sms", "ingest_social")

# Its own migrations would make its own schema: it gets the one of this version instead, made by
# this version's code. What a test of its own migrates elsewhere is its own business.
MIGRATE = '''

_migrate_as_it_does = migrate


def migrate(scripts, url, schema, revision="head"):
    """Bring `schema` to the newest revision of the version after this one."""
    import os
    import pathlib
    import subprocess

    place = pathlib.Path(scripts).resolve()
    newer = place.is_relative_to({tree!r}) and pathlib.Path({root!r}) / place.relative_to({tree!r})
    if not newer or not newer.exists():
        return _migrate_as_it_does(scripts, url, schema, revision)
    command = [{python!r}, "-m", "upgrade.migrating", str(newer), url, schema]
    subprocess.run(command, check=True, env=dict(os.environ, PYTHONPATH={deploy!r}), cwd={root!r})
'''


def git(*words: str) -> str:
    """Return what git says about this repository; raise StackError where it fails."""
    done = subprocess.run(
        ["git", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise StackError(f"git {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout.strip()


def before_newest_migration() -> str:
    """Return the commit before the one that added the newest migration; raise StackError without."""
    added = git("log", "--diff-filter=A", "--max-count=1", "--format=%H", "--", MIGRATIONS)
    if not added:
        raise StackError("no commit here adds a migration: fetch the history, or name a version")
    return git("rev-parse", f"{added}^")


@dataclass(frozen=True)
class VersionBefore:
    """Its files in `tree`, installed there, and migrating as this version does."""

    tree: Path

    @property
    def python(self) -> str:
        """Return its interpreter."""
        return str(self.tree / ".venv" / "bin" / "python")

    @property
    def contract(self) -> Path:
        """Return the folder of its JSON Schemas."""
        return self.tree / "docs" / "contract"

    def run_suites(self, workers: int, arguments: Sequence[str]) -> bool:
        """Run its tests of what needs a database, in sight of the user; tell whether they pass."""
        folders = [f"tests/integration/{name}" for name in SUITES]
        known = [folder for folder in folders if (self.tree / folder).exists()]
        command = [self.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *known]
        command += ["--numprocesses", str(workers), "--dist", "loadgroup", *arguments]
        return (
            subprocess.run(command, cwd=self.tree, env=self._environment(), check=False).returncode
            == 0
        )

    def events(self) -> str:
        """Return events as it writes them, of every type."""
        return exchange(self.python, "write", "")

    def refusals(self, events: str) -> list[str]:
        """Return which events its readers refuse, and why."""
        return exchange(self.python, "read", events).splitlines()

    def _environment(self) -> dict[str, str]:
        return environment_with({"PYTHONPATH": str(self.tree / "deploy")})


def exchange(python: str, what: str, events: str) -> str:
    """Have the version that a Python belongs to write events, or read some; return what it prints."""
    done = subprocess.run(
        [python, str(EXAMPLES), what],
        input=events,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode != 0:
        raise StackError(f"it could not {what} events: {done.stderr.strip()}")
    return done.stdout


@contextmanager
def checked_out(commit: str, report: Report) -> Iterator[VersionBefore]:
    """Yield a version of ours, installed in a folder outside of the repository; delete it after."""
    folder = Path(tempfile.mkdtemp(prefix="madoguchi-upgrade-"))
    folder.chmod(0o755)  # PostgreSQL may run as another user
    tree = folder / "before"
    report.say("git", f"worktree of {git('log', '--max-count=1', '--format=%h %s', commit)}")
    git("worktree", "add", "--detach", str(tree), commit)
    try:
        _install(tree, report)
        yield VersionBefore(tree)
    finally:
        git("worktree", "remove", "--force", str(tree))
        shutil.rmtree(folder, ignore_errors=True)


def _install(tree: Path, report: Report) -> None:
    report.say("install", "a virtual environment from its own lock")
    environment = environment_with({"PYTHONPATH": str(tree / "deploy")})
    command = [sys.executable, "-m", "local_stack.install"]
    if subprocess.run(command, cwd=tree, env=environment, check=False).returncode != 0:
        raise StackError("it could not be installed; the lines above say why")
    if JARS_FOLDER.exists():  # 45 MB that both have in common
        (tree / ".local").mkdir(exist_ok=True)
        (tree / ".local" / JARS_FOLDER.name).symlink_to(JARS_FOLDER)
    told = {"tree": str(tree.resolve()), "root": str(ROOT), "python": sys.executable}
    shim = MIGRATE.format(**told, deploy=str(ROOT / "deploy"))
    helpers = tree / HELPERS
    helpers.write_text(helpers.read_text("utf-8") + shim, "utf-8")


def schemas(folder: Path) -> dict[str, dict[str, object]]:
    """Return the JSON Schemas of a contract, by the type of the event."""
    return {
        path.stem: json.loads(path.read_text("utf-8"))
        for path in sorted(folder.glob("*.json"))
        if path.stem != "asyncapi"
    }
