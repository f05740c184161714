"""What the chart asks of Strimzi for each service's user is what its code reads."""

from typing import Any

import pytest
import yaml

from checks.chart import SNAPSHOT
from common.core.topics import ALL_TOPICS, DEAD_LETTER, MESSAGES, ROUTING
from router.edges.consume import TOPICS as ROUTER_TOPICS
from timeline.core.entry import TOPICS as TIMELINE_TOPICS
from timeline.figures_service import FIGURES_GROUP, FIGURES_TOPICS
from timeline.wiring import SEARCH_GROUP, SEARCH_TOPICS

Rights = dict[tuple[str, str], set[str]]

READ = {
    "ingest-email": {MESSAGES.name},
    "ingest-sms": {MESSAGES.name},
    "ingest-social": {MESSAGES.name},
    "router": {*ROUTER_TOPICS, ROUTING.name, DEAD_LETTER.name},
    "timeline": {*TIMELINE_TOPICS, *SEARCH_TOPICS, *FIGURES_TOPICS},
}
GROUPS = {
    "ingest-email": {"ingest_email.media"},
    "ingest-sms": {"ingest_sms.media"},
    "ingest-social": {"ingest_social.media"},
    "router": {"router"},
    "timeline": {"timeline", SEARCH_GROUP, FIGURES_GROUP},
}


@pytest.fixture(scope="module")
def users() -> dict[str, Rights]:
    """The operations that each user may do, by kind and name of what they are done to."""
    found: dict[str, Rights] = {}
    for one in yaml.safe_load_all(SNAPSHOT.read_text()):
        if one and one["kind"] == "KafkaUser":
            service = one["metadata"]["name"].removeprefix("example-")
            found[service] = rights(one["spec"]["authorization"]["acls"])
    return found


def rights(acls: list[dict[str, Any]]) -> Rights:
    found: Rights = {}
    for acl in acls:
        place = acl["resource"]["type"], acl["resource"]["name"]
        found.setdefault(place, set()).update(acl["operations"])
    return found


@pytest.mark.parametrize("service", sorted(READ))
def test_a_service_reads_its_topics_and_no_other(users: dict[str, Rights], service: str) -> None:
    readable = {
        name for (kind, name), may in users[service].items() if kind == "topic" and "Read" in may
    }
    assert readable == READ[service]


@pytest.mark.parametrize("service", sorted(READ))
def test_a_service_may_set_aside_what_it_cannot_handle(
    users: dict[str, Rights], service: str
) -> None:
    assert "Write" in users[service]["topic", DEAD_LETTER.name]


@pytest.mark.parametrize("service", sorted(READ))
def test_a_services_groups_begin_with_its_name(users: dict[str, Rights], service: str) -> None:
    [prefix] = [name for kind, name in users[service] if kind == "group"]
    assert all(group.startswith(prefix) for group in GROUPS[service])
    assert prefix == service.replace("-", "_")


def test_nobody_is_granted_what_is_not_on_the_bus(users: dict[str, Rights]) -> None:
    granted = {name for user in users.values() for kind, name in user if kind == "topic"}
    assert granted == {topic.name for topic in ALL_TOPICS}
