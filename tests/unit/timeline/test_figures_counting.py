"""What counts of a case: the same for the same set of events, and what the plain model says."""

from collections import Counter
from collections.abc import Iterable
from random import Random
from typing import Any

from hypothesis import given, strategies as st
from tests.unit.timeline.figures_model import Counted, columns, counted_by_hand, lives
from tests.unit.timeline.figures_telling import Case, agent_changed, observed
from tests.unit.timeline.telling import after, change, message

from common.core.cloudevents import Event
from common.core.events import Direction, MessageKind
from common.core.work import AgentChanged
from timeline.core.figures_facts import Fact, fact_of, read, united, written
from timeline.core.figures_observations import (
    Membership,
    message_observation,
    moves,
)


def facts_of(events: Iterable[Event]) -> dict[Any, tuple[Fact, ...]]:
    """Fold events into facts one by one, as batches of one would."""
    facts: dict[Any, tuple[Fact, ...]] = {}
    for event in events:
        if told := fact_of(event, event.attributes.subject):
            key, fact = told
            facts[key] = read(written(united(facts.get(key, ()), [fact])))
    return facts


def counted(events: list[Event]) -> Counted:
    teams: dict[str, dict[str, list[Membership]]] = {}
    messages: set[tuple[Any, ...]] = set()
    result: Counted = Counter()
    for event in events:
        tenant, data = event.attributes.tenant, event.data
        if isinstance(data, AgentChanged):
            one = Membership(data.changed_at, data.agent_version, data.team or "")
            history = teams.setdefault(tenant, {}).setdefault(data.agent, [])
            history[:] = sorted({*history, one})
        elif seen := message_observation(event):
            messages.add((event.attributes.id, *columns(tenant, seen)))
    result.update(key[1:] for key in messages)
    for (tenant, _), facts in facts_of(events).items():
        result.update(columns(tenant, seen) for seen in observed(facts, teams.get(tenant, {})))
    return result


@given(lives(), st.randoms(use_true_random=False))
def test_whatever_the_order_and_however_often_the_counts_are_those_of_the_plain_model(
    told: list[Event], chance: Random
) -> None:
    heard = told + chance.choices(told, k=len(told) // 2)
    chance.shuffle(heard)
    assert counted(heard) == counted_by_hand(told)


def test_of_two_events_of_one_name_the_same_one_counts_in_either_order() -> None:
    first, other = Case("1").opened(0).told[0], Case("1").opened(5).told[0]
    assert first.attributes.id == other.attributes.id
    assert facts_of([first, other]) == facts_of([other, first])


def test_only_what_people_write_counts_as_a_message() -> None:
    assert message_observation(message()) is not None
    assert message_observation(message(kind=MessageKind.HELP)) is not None
    assert message_observation(message(kind=MessageKind.AUTO_REPLY)) is None
    ours = message(kind=MessageKind.POSTBACK, direction=Direction.OUTBOUND)
    assert message_observation(ours) is None
    assert message_observation(change(MessageKind.EDIT, "m1", 1)) is None
    assert message_observation(agent_changed("sato", "一課", 0)) is None


def test_a_profile_that_names_the_same_team_moves_nobody() -> None:
    joined = Membership(after(0), 1, "一課")
    promoted, moved = Membership(after(5), 2, "一課"), Membership(after(9), 3, "二課")
    assert moves([moved, promoted, joined]) == {(after(0), "一課"), (after(9), "二課")}
    assert moves([Membership(after(0), 1, "")]) == set()
