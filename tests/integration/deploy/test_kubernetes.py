"""What a real Kubernetes API server says of the chart. It has no controllers and no nodes: nothing runs there."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from checks.chart import CHART, EVERYTHING, SIZES, WAYS, name_of, objects, values
from cluster.api import Api, Manifest
from cluster.releases import DEPLOYMENT, Release

pytestmark = pytest.mark.xdist_group("kubernetes")

CASES: list[tuple[str, Sequence[str]]] = [
    *((size, ()) for size in SIZES),
    *(("large", settings) for settings in (*WAYS, EVERYTHING)),
]
HOOK, WEIGHT, POLICY = "helm.sh/hook", "helm.sh/hook-weight", "helm.sh/resource-policy"
DEBUG = "settings.logLevel=DEBUG"
INSTANCE = "app.kubernetes.io/instance"
of_every_size = pytest.mark.parametrize(("size", "settings"), CASES)


def made_for(api: Api, size: str, *settings: str) -> list[Manifest]:
    """Return what the chart makes; skip the test where the server has not heard of a kind."""
    made = objects(size, *settings)
    kinds = {(one["apiVersion"], one["kind"]) for one in made}
    unknown = sorted(kind for version, kind in kinds if not api.knows(version, kind))
    if unknown:
        pytest.skip(f"`make kubernetes` could not bring the definitions of {', '.join(unknown)}")
    return made


def annotations(manifest: Manifest) -> Mapping[str, str]:
    held: Mapping[str, str] = manifest["metadata"].get("annotations", {})
    return held


def hooks(manifests: Sequence[Manifest]) -> list[Manifest]:
    return [one for one in manifests if HOOK in annotations(one)]


def kept(manifests: Sequence[Manifest]) -> list[Manifest]:
    """Return what belongs to the release from its installation on."""
    return [one for one in manifests if HOOK not in annotations(one)]


def lost(sent: Any, held: Any, where: str) -> Iterator[str]:
    """Yield each place where the server holds something else than was sent; an empty value may be left out."""
    if isinstance(sent, Mapping) and isinstance(held, Mapping):
        for name, value in sent.items():
            yield from lost(value, held.get(name), f"{where}.{name}")
    elif isinstance(sent, list) and isinstance(held, list) and len(sent) == len(held):
        for number, (one, other) in enumerate(zip(sent, held, strict=True)):
            yield from lost(one, other, f"{where}[{number}]")
    elif sent != held and (sent or held):
        yield f"{where}: {sent!r} became {held!r}"


def differences(api: Api, namespace: str, manifests: Sequence[Manifest]) -> list[str]:
    """Return where the objects in the namespace are not what these say."""
    return [
        line
        for one in manifests
        for line in lost(one, api.read(one, namespace=namespace).body, name_of(one))
    ]


def state(api: Api, namespace: str, manifests: Sequence[Manifest]) -> dict[str, object]:
    """Return what the objects of the release are, of all kinds that these have."""
    kinds = sorted({(one["apiVersion"], one["kind"]) for one in manifests})
    return {
        f"{kind} {one['metadata']['name']}": {
            part: one[part] for part in one.keys() - {"metadata", "status"}
        }
        for version, kind in kinds
        for one in api.listed(version, kind, namespace=namespace)
        if one["metadata"].get("labels", {}).get(INSTANCE) == "example"
    }


def pods(manifests: Sequence[Manifest]) -> Iterator[Manifest]:
    """Yield a pod as the controller of each object would make it."""
    for one in manifests:
        template = one.get("spec", {}).get("template", {})
        if "containers" in template.get("spec", {}):
            made = {**template["metadata"], "generateName": f"{one['metadata']['name']}-"}
            yield {"apiVersion": "v1", "kind": "Pod", "metadata": made, "spec": template["spec"]}


def install_accounts(api: Api, namespace: str, manifests: Sequence[Manifest]) -> None:
    for one in manifests:
        if one["kind"] == "ServiceAccount":
            assert not api.create(one, namespace=namespace).complaint


@of_every_size
def test_every_object_is_taken_to_the_letter_and_without_a_warning(
    api: Api, namespace: str, size: str, settings: Sequence[str]
) -> None:
    """Strictly: no unknown or double field, nothing deprecated, no pod that would be refused later."""
    made = made_for(api, size, *settings)
    answers = {name_of(one): api.create(one, namespace=namespace, dry_run=True) for one in made}
    assert {name: one.complaint for name, one in answers.items() if one.complaint} == {}
    assert {one.code for one in answers.values()} == {201}


@of_every_size
def test_a_pod_of_every_template_is_admitted_where_only_restricted_pods_are(
    api: Api, namespace: str, size: str, settings: Sequence[str]
) -> None:
    made = made_for(api, size, *settings)
    install_accounts(api, namespace, made)
    of_templates = list(pods(made))
    answers = [api.create(one, namespace=namespace, dry_run=True) for one in of_templates]
    assert [one.complaint for one in answers if one.complaint] == []
    assert len(of_templates) >= len([one for one in made if one["kind"] in {"Deployment", "Job"}])


@pytest.mark.parametrize(
    "more",
    [
        {"privileged": True, "allowPrivilegeEscalation": True},
        {"runAsUser": 0},
        {"capabilities": {"add": ["NET_ADMIN"]}},
    ],
    ids=["privileged", "root", "capabilities"],
)
def test_a_pod_that_asks_for_more_is_refused_there(
    api: Api, namespace: str, more: Manifest
) -> None:
    """So that the test before it means something."""
    made = made_for(api, "small")
    install_accounts(api, namespace, made)
    first = next(pods(made))
    [container, *_] = first["spec"]["containers"]
    greedy = {**container, "securityContext": {**container["securityContext"], **more}}
    pod = {**first, "spec": {**first["spec"], "containers": [greedy]}}
    answer = api.create(pod, namespace=namespace, dry_run=True)
    assert answer.code == 403
    assert "violates PodSecurity" in answer.complaint


def test_an_installation_holds_what_the_chart_says(
    api: Api, namespace: str, release: Release
) -> None:
    made = made_for(api, "large", *EVERYTHING)
    release.install(str(CHART), values("large", *EVERYTHING))
    assert differences(api, namespace, kept(made)) == []


def test_topics_and_schemas_come_before_the_services_at_every_change(
    api: Api, release: Release
) -> None:
    """Each Job has to end before the next begins; no Deployment is touched until the last one has."""
    jobs = hooks(made_for(api, "medium"))
    weight = {one["metadata"]["name"]: int(annotations(one)[WEIGHT]) for one in jobs}
    release.install(str(CHART), values("medium"))
    installed, release.ended = release.ended, []
    release.upgrade(str(CHART), values("medium", DEBUG))
    for ended in (installed, release.ended):
        assert {one.job for one in ended} == weight.keys()
        in_order = [weight[one.job] for one in ended]
        assert in_order == sorted(in_order)
    assert {one.deployments for one in installed} == {()}
    assert {number for one in release.ended for _, number in one.deployments} == {1}
    now = api.listed(*DEPLOYMENT, namespace=release.namespace)
    assert {one["metadata"]["generation"] for one in now} == {2}


def test_a_rollback_restores_what_an_upgrade_changed(
    api: Api, namespace: str, release: Release
) -> None:
    gateway = [one for one in EVERYTHING if one.startswith("gateway.")]
    larger = ["ingress.enabled=false", DEBUG, *gateway]
    older, newer = made_for(api, "medium"), made_for(api, "large", *larger)
    release.install(str(CHART), values("medium"))
    before = state(api, namespace, [*older, *newer])
    release.upgrade(str(CHART), values("large", *larger))
    assert differences(api, namespace, kept(newer)) == []
    assert set(state(api, namespace, [*older, *newer])) == set(map(name_of, kept(newer)))
    release.rollback()
    assert state(api, namespace, [*older, *newer]) == before
    assert set(before) == set(map(name_of, kept(older)))


def test_an_upgrade_leaves_the_number_of_pods_to_whoever_scales_them(
    api: Api, namespace: str, release: Release
) -> None:
    release.install(str(CHART), values("medium"))
    scale(api, namespace, to=5)
    release.upgrade(str(CHART), values("medium", DEBUG))
    now = api.listed(*DEPLOYMENT, namespace=namespace)
    assert {one["spec"]["replicas"] for one in now} == {5}


def test_whoever_applies_on_the_servers_side_upgrades_without_a_conflict(
    api: Api, namespace: str
) -> None:
    """As tools do that keep a cluster to what lies in git: never by force."""
    for made in (kept(made_for(api, "medium")), kept(made_for(api, "large", DEBUG))):
        answers = [api.apply(one, namespace=namespace, manager="git") for one in made]
        assert [one.complaint for one in answers if one.complaint] == []
        assert differences(api, namespace, made) == []
        scale(api, namespace, to=5)
    now = api.listed(*DEPLOYMENT, namespace=namespace)
    assert {one["spec"]["replicas"] for one in now} == {5}


def test_an_uninstallation_leaves_only_what_is_to_be_kept(
    api: Api, namespace: str, release: Release
) -> None:
    made = made_for(api, "large", *EVERYTHING)
    release.install(str(CHART), values("large", *EVERYTHING))
    release.uninstall()
    to_stay = {name_of(one) for one in made if annotations(one).get(POLICY) == "keep"}
    assert set(state(api, namespace, made)) == to_stay
    assert to_stay


def scale(api: Api, namespace: str, *, to: int) -> None:
    """Give each Deployment some number of pods, as an autoscaler does."""
    for one in api.listed(*DEPLOYMENT, namespace=namespace):
        named = {"apiVersion": DEPLOYMENT[0], "kind": DEPLOYMENT[1], "metadata": one["metadata"]}
        answer = api.change(named, "scale", {"spec": {"replicas": to}}, namespace=namespace)
        assert not answer.complaint
