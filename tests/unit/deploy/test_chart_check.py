"""What the check of the chart calls unsafe."""

from typing import Any

from checks.chart import unsafe

SAFE: dict[str, Any] = {
    "name": "router",
    "image": "registry.example.jp/madoguchi/router:0.1.0",
    "securityContext": {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    },
    "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
}


def deployment(container: dict[str, Any], **pod: Any) -> dict[str, Any]:
    security = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {"automountServiceAccountToken": False, "securityContext": security}
    template = {"spec": {**spec, "containers": [container], **pod}}
    return {
        "kind": "Deployment",
        "metadata": {"name": "router"},
        "spec": {"template": template},
    }


def test_a_restricted_pod_is_safe() -> None:
    assert list(unsafe([deployment(SAFE)])) == []


def test_each_way_to_do_more_is_named() -> None:
    eager = SAFE | {"image": "router:latest", "securityContext": {"privileged": True}}
    eager["resources"] = {}
    found = deployment(
        eager,
        hostNetwork=True,
        volumes=[{"hostPath": {"path": "/"}}],
        automountServiceAccountToken=True,
        securityContext={},
    )
    assert [one.removeprefix("Deployment router: ") for one in unsafe([found])] == [
        "has a token of the cluster",
        "may run as root",
        "has no seccomp profile",
        "shares something of the host",
        "mounts a folder of the host",
        "may gain privileges",
        "may write its own files",
        "keeps capabilities",
        "runs whatever router:latest is today",
        "has no limits",
    ]
