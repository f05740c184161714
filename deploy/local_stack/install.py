"""Make `.venv` and fill it from requirements.lock: `make install`.

It runs before anything is installed, so it needs the standard library alone, and its syntax is one
that an old Python can read far enough to say that it is too old.
"""

import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
OTHER_NAMES = ("python3.11", "python3.12", "python3.13", "python3.14")
ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = str(VENV / "bin" / "python")
LOCK = ROOT / "requirements.lock"


class InstallError(Exception):
    """What is missing, and its remedy, in one sentence."""


def suitable_python() -> str:
    """Return a Python that is new enough: this one, or another one on the PATH."""
    for python in (sys.executable, *map(shutil.which, OTHER_NAMES)):
        if python and is_new_enough(python):
            return python
    raise InstallError(
        f"Python 3.11 or later is needed and {sys.executable} is {sys.version.split()[0]}: install"
        " one (Debian 12: apt-get install python3 python3-venv), or name one you have by"
        " `make install PYTHON=/path/to/python3`."
    )


def is_new_enough(python: str) -> bool:
    """Tell whether `python` starts and is new enough; a name on the PATH may be an empty promise."""
    check = f"import sys; sys.exit(sys.version_info < {OLDEST})"
    return succeeds([python, "-c", check])


def make_venv(python: str) -> None:
    """Make the virtual environment unless it is there."""
    if Path(PYTHON).exists() and is_new_enough(PYTHON):
        return
    say(f"making {VENV.name} with {python}")
    if uv := working_uv():
        # Never a Python that uv fetches from somewhere: the machine's own, or none.
        into = ["--no-python-downloads", "--clear", "--python", python, str(VENV)]
        run([uv, "venv", "--quiet", *into], "uv made no .venv")
        return
    remedy = "python3 made no .venv (Debian: apt-get install python3-venv)"
    run([python, "-m", "venv", "--clear", str(VENV)], remedy)


def fill_venv() -> None:
    """Install exactly what the lock names, each file checked against its hash, then our own packages."""
    uv = working_uv()
    if not uv:
        say("fetching uv, the installer")
        run([PYTHON, "-m", "pip", "install", "--quiet", "uv"], "pip could not install uv")
        uv = str(VENV / "bin" / "uv")
    into = [uv, "pip", "install", "--quiet", "--python", PYTHON]
    say("installing what requirements.lock names")
    # Compiled once here: otherwise each start of a service may spend its first seconds on it.
    locked = ["--compile-bytecode", "--require-hashes", "-r", str(LOCK)]
    run([*into, *locked], "the lock could not be installed")
    say("installing libs/common and the services, editable")
    ours = [
        ROOT / "libs" / "common",
        *sorted(path.parent for path in ROOT.glob("services/*/pyproject.toml")),
    ]
    editable = [word for package in ours for word in ("-e", str(package))]
    run(
        [*into, "--no-deps", "--no-build-isolation", *editable],
        "our own packages could not be installed",
    )


def working_uv() -> str:
    """Return a uv that runs, from the PATH or the virtual environment, or "" without one."""
    candidates = (shutil.which("uv"), shutil.which(str(VENV / "bin" / "uv")))
    return next((uv for uv in candidates if uv and succeeds([uv, "--version"])), "")


def succeeds(command: "list[str]") -> bool:
    """Tell whether `command` runs and ends well; what it says does not matter."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def run(command: "list[str]", complaint: str) -> None:
    """Run one step in sight of the user; raise InstallError if it fails."""
    if subprocess.run(command, check=False).returncode != 0:
        raise InstallError(f"{complaint}; the lines above say why.")


def say(what: str) -> None:
    """Print one line of progress, beside what a command such as `make -s token` is run for."""
    print(f"install: {what}", file=sys.stderr, flush=True)


def main() -> int:
    """Install; 0 once everything is there."""
    try:
        make_venv(suitable_python())
        fill_venv()
    except InstallError as error:
        print(f"install: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
