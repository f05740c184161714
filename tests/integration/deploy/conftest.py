"""A Kubernetes API server where one was built, and namespaces in it that take restricted pods only."""

import secrets
from collections.abc import Iterator

import httpx
import pytest
import yaml

from cluster import definitions, programs
from cluster.api import Api
from cluster.releases import Release
from cluster.server import Cluster
from local_stack.shared_servers import SharedServers
from local_stack.waiting import wait_for

RESTRICTED = {
    f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")
}


@pytest.fixture(scope="session")
def cluster(servers: SharedServers) -> Iterator[Cluster]:
    """Kubernetes with the definitions of operators' objects."""
    if not programs.are_built():
        pytest.skip("no Kubernetes API server here: `make kubernetes` builds one, with Go")
    cluster = Cluster(servers.scratch())
    try:
        cluster.start()
        with cluster.api() as api:
            define(api)
        yield cluster
    finally:
        cluster.stop()


def define(api: Api) -> None:
    for file in sorted(definitions.here().glob("*.yaml")):
        definition = yaml.safe_load(file.read_text())
        spec = definition["spec"]
        created = api.create(definition)
        # What it warns of in their definitions is theirs to mend.
        assert created.code == httpx.codes.CREATED, created.complaint
        served = [f"{spec['group']}/{one['name']}" for one in spec["versions"] if one["served"]]
        kind = spec["names"]["kind"]
        assert wait_for(lambda: all(api.knows(one, kind) for one in served), 30), kind  # noqa: B023 - asked at once


@pytest.fixture
def api(cluster: Cluster) -> Iterator[Api]:
    with cluster.api() as api:
        yield api


@pytest.fixture
def namespace(api: Api) -> str:
    name = f"madoguchi-{secrets.token_hex(4)}"
    labelled = {"name": name, "labels": RESTRICTED}
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": labelled})
    # A controller would make it.
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    api.create(account, namespace=name)
    return name


@pytest.fixture
def release(cluster: Cluster, api: Api, namespace: str) -> Release:
    return Release(cluster, api, namespace, "example")
