"""The definitions of Strimzi's topics and users, which its own program writes from its own classes."""

import shutil
import subprocess
from pathlib import Path

from local_stack.errors import MissingToolError, StackError
from local_stack.java import java_version
from local_stack.settings import java_home

POM = Path(__file__).parent / "maven" / "pom.xml"
OLDEST_JAVA = 21
MACHINES_OWN = Path("/usr/lib/jvm")
PROGRAM = "io.strimzi.crdgenerator.CrdGenerator"
CLASSES = {
    "kafka.strimzi.io_kafkatopics.yaml": "io.strimzi.api.kafka.model.topic.KafkaTopic",
    "kafka.strimzi.io_kafkausers.yaml": "io.strimzi.api.kafka.model.user.KafkaUser",
}
STRIMZI_FILES = tuple(CLASSES)


def write_definitions(into: Path) -> None:
    """Write the definitions into a folder. Raises MissingToolError without Maven or a new Java, StackError."""
    java, jars = newest_java(), into / "jars"
    if not jars.exists():
        fetch(jars)
    wanted = [f"{name}={into / file}" for file, name in CLASSES.items()]
    options = ["--yaml", "--target-kube", "1.30+", "--crd-api-version", "v1"]
    run([java, "-cp", f"{jars}/*", PROGRAM, *options, *wanted])


def newest_java() -> str:
    """Return the path of a Java that can run Strimzi's program; raise MissingToolError without one."""
    homes = [java_home(), *map(str, MACHINES_OWN.glob("*"))]
    found = map(shutil.which, ["java", *(f"{home}/bin/java" for home in homes)])
    version, java = max(((version_of(one), one) for one in found if one), default=(0, ""))
    if version < OLDEST_JAVA:
        raise MissingToolError(f"Java {OLDEST_JAVA} or later is needed, the newest is {version}.")
    return java


def version_of(java: str) -> int:
    """Return the feature release of a Java, 0 where it does not run."""
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    return java_version(said.stderr)


def fetch(jars: Path) -> None:
    """Fetch the program and what it needs."""
    maven = shutil.which("mvn")
    if not maven:
        raise MissingToolError("they are fetched with Maven, and there is none.")
    partial = jars.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    copy = ["dependency:copy-dependencies", f"-DoutputDirectory={partial}"]
    run([maven, "-q", "-B", "-Dstyle.color=never", "-f", str(POM), *copy])
    partial.rename(jars)


def run(command: list[str]) -> None:
    """Run a program to its end. Raises StackError with what it said."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StackError(f"{Path(command[0]).name} failed: {done.stdout}{done.stderr}".strip())
