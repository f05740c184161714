"""`python -m tests.fuzz SECONDS [TARGET …]`: every target for so long, findings at the end."""

import re
import subprocess
import sys
from pathlib import Path

from tests.fuzz.targets import TARGETS, dictionary, seeds

FOUND = Path("build/fuzz")
HUNG_SECONDS = 20  # wall time, on a busy machine; `timely` measures what an input really costs
OPTIONS = (f"-timeout={HUNG_SECONDS}", "-rss_limit_mb=2048", "-max_len=16384")
NO_ATHERIS = (
    "atheris is not in the lock, as it is not built for every system: uv pip install atheris"
)
_COVERED = re.compile(r"cov: (\d+) ft: (\d+)")


def main() -> int:
    """Fuzz one target after the other; 1 if one of them found something."""
    seconds, *names = sys.argv[1:]
    failed = [name for name in names or TARGETS if not held(name, int(seconds))]
    for name in failed:
        print(f"fuzz: {name} did not hold; the input lies in {FOUND / name}", file=sys.stderr)
    return 1 if failed else 0


def held(name: str, seconds: int) -> bool:
    """Fuzz one target; whether every input was borne."""
    grown, found = FOUND / name / "corpus", FOUND / name / "found"
    grown.mkdir(parents=True, exist_ok=True)
    found.mkdir(exist_ok=True)
    words = FOUND / name / "words"
    words.write_text(dictionary(name))
    known = [f"-dict={words}"] if words.stat().st_size else []  # libFuzzer refuses an empty one
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.fuzz.harness", name, *known),
            *(f"-max_total_time={seconds}", f"-artifact_prefix={found}/", *OPTIONS),
            *map(str, (grown, *seeds(name))),
        ],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    (FOUND / name / "log").write_text(done.stdout + done.stderr)
    print(f"fuzz: {name:<28} {summary(done.stderr)}", flush=True)
    return done.returncode == 0


def summary(log: str) -> str:
    """Return how far a run came: executions, and the branches and features that it reached."""
    last = [line for line in log.splitlines() if line.startswith("Done ")]
    covered = _COVERED.findall(log)
    reached = "cov {} ft {}".format(*covered[-1]) if covered else ""
    return f"{last[0] if last else 'ENDED EARLY'}, {reached}"


if __name__ == "__main__":
    try:
        import atheris  # noqa: F401 - asked for here, so that one sentence tells what to do
    except ImportError:
        sys.exit(NO_ATHERIS)
    sys.exit(main())
