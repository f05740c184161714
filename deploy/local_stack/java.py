"""The Java of this machine, and the broker's jars, fetched once by their Maven coordinates."""

import fcntl
import re
import shutil
import subprocess
from pathlib import Path

from local_stack.errors import MissingToolError, StackError
from local_stack.settings import java_home

OLDEST_JAVA = 17
POM = Path(__file__).parents[1] / "kafka" / "pom.xml"
REMEDY = "install it (Debian: apt-get install default-jre-headless maven) or start a Docker engine."


def find_java() -> str:
    """Return the path of a Java that can run Kafka; raise MissingToolError where there is none."""
    at_home = Path(java_home()) / "bin" / "java"
    java = str(at_home) if java_home() and at_home.exists() else shutil.which("java")
    if not java:
        raise MissingToolError(
            f"Kafka needs Java {OLDEST_JAVA} or later and there is none: {REMEDY}"
        )
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    if (version := java_version(said)) < OLDEST_JAVA:
        raise MissingToolError(
            f"Kafka needs Java {OLDEST_JAVA}, {java} is Java {version}: {REMEDY}"
        )
    return java


def java_version(said: str) -> int:
    """Return the feature release that `java -version` printed (8 for "1.8.0_402"), 0 if unknown."""
    found = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(found[1]) if found else 0


def kafka_version() -> str:
    """Return the Kafka release that deploy/kafka/pom.xml names."""
    found = re.search(r"<kafka.version>(.+)</kafka.version>", POM.read_text())
    if not found:
        raise StackError(f"{POM} names no kafka.version.")
    return found[1]


def kafka_jars(folder: Path) -> Path:
    """Return the folder of the broker's jars below `folder`, fetching them the first time."""
    jars = _jars_below(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "jars.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not jars.exists():
            _fetch(jars)
    return jars


def jars_are_here(folder: Path) -> bool:
    """Tell whether the broker's jars need not be fetched."""
    return _jars_below(folder).exists()


def _jars_below(folder: Path) -> Path:
    return folder / f"jars-{kafka_version()}"


def _fetch(jars: Path) -> None:
    maven = shutil.which("mvn")
    if not maven:
        raise MissingToolError(f"Kafka's jars are fetched with Maven and there is none: {REMEDY}")
    partial = jars.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    fetched = subprocess.run(
        [
            *(
                maven,
                "-q",
                "-B",
                "-Dstyle.color=never",
                "-f",
                str(POM),
                "dependency:copy-dependencies",
            ),
            *("-DincludeScope=runtime", f"-DoutputDirectory={partial.absolute()}"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if fetched.returncode != 0:
        raise StackError(f"Maven could not fetch Kafka's jars: {fetched.stdout.strip()}")
    partial.rename(jars)
