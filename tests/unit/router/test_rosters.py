"""Who is signed in: skill profiles by queue, each once, in an order of their own."""

from datetime import UTC, datetime

import msgspec
from hypothesis import given, strategies as st

from common.core.work import Presence
from router.core.agents import Agent
from router.core.roster import Profile, roster_from, roster_of

NOW = datetime(2026, 11, 24, 2, 40, tzinfo=UTC)

profiles = st.builds(
    Profile,
    st.lists(st.sampled_from(("technical", "billing", "vip")), unique=True).map(tuple),
    st.dictionaries(st.sampled_from(("network", "japanese")), st.integers(1, 5)),
)


def agent(name: str, presence: Presence, **skills: int) -> Agent:
    return Agent(
        tenant="acme",
        agent=name,
        free_since=NOW,
        seen_at=NOW,
        changed_at=NOW,
        presence=presence,
        queues=("technical",),
        skills=skills,
    )


def test_whoever_is_away_for_a_while_is_signed_in_and_whoever_has_left_is_not() -> None:
    agents = (
        agent("tanaka", Presence.ONLINE, network=3),
        agent("sato", Presence.AWAY, network=2),
        agent("suzuki", Presence.OFFLINE, network=5),
        agent("ito", Presence.ONLINE, network=3),
    )
    roster = roster_of(agents, 7)
    assert roster.signed_in == {"technical": ({"network": 2}, {"network": 3})}
    assert roster.sequence == 7


@given(st.lists(profiles).flatmap(lambda made: st.tuples(st.just(made), st.permutations(made))))
def test_the_same_people_give_the_same_roster_byte_for_byte(
    orders: tuple[list[Profile], list[Profile]],
) -> None:
    one, other = (msgspec.json.encode(roster_from(order)) for order in orders)
    assert one == other
