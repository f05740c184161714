"""However many queues there are, the metrics show few series and count every case."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st

from router.core.standing import OTHER, Room, Standing, fullest, room_in

NOON = datetime(2026, 11, 24, 3, tzinfo=UTC)

standings = st.lists(
    st.builds(
        Standing,
        tenant=st.sampled_from(["acme", "kawase"]),
        queue=st.text("abcdefgh", min_size=1, max_size=3),
        waiting=st.integers(0, 9),
        at_risk=st.integers(0, 9),
        breached=st.integers(0, 9),
        oldest=st.none() | st.integers(0, 99).map(lambda n: NOON + timedelta(minutes=n)),
    ),
    max_size=12,
    unique_by=lambda one: (one.tenant, one.queue),
)


@given(standings, st.integers(1, 5))
def test_nothing_is_lost_beyond_the_fullest(every: list[Standing], most: int) -> None:
    shown = fullest(every, most)
    assert len(shown) <= most + 1
    for count in ("waiting", "at_risk", "breached"):
        assert sum(getattr(one, count) for one in shown) == sum(getattr(e, count) for e in every)
    oldest = [one.oldest for one in every if one.oldest]
    assert min((one.oldest for one in shown if one.oldest), default=None) == min(
        oldest, default=None
    )
    named = [one for one in shown if one.tenant != OTHER]
    rest = [one for one in every if one not in named]
    assert all(one.waiting >= other.waiting for one in named for other in rest)


def test_room_is_shown_where_the_queue_is() -> None:
    [shown] = fullest([Standing(tenant="acme", queue="technical", waiting=2)])
    rooms = [
        Room("acme", "technical", 3),
        Room("acme", "billing", 1),
        Room("kawase", "technical", 5),
    ]
    assert room_in(rooms, [shown]) == rooms[:1]
