"""A delivery counts for a phase only if it lies wholly within."""

from outage.phases import Phase, Tally, tally
from pretend.writers import Try

PHASE = Phase("away", 10.0, 20.0)


def test_tries_are_counted_by_channel_and_end() -> None:
    tries = [
        Try("tel:+819012345678", 11.0, 11.5, acknowledged=True),
        Try("tel:+819012345678", 12.0, 12.25, acknowledged=True),
        Try("email:hanako@example.jp", 13.0, 14.0, acknowledged=False),
    ]
    assert PHASE.seconds == 10.0
    assert tally(PHASE, tries) == {
        "sms": Tally(2, 0, 0.5),
        "line": Tally(),
        "email": Tally(0, 1, 0.0),
    }


def test_what_was_under_way_when_it_began_or_ended_is_not_counted() -> None:
    tries = [
        Try("line:main:U1", 9.9, 10.1, acknowledged=True),
        Try("line:main:U1", 19.9, 20.1, acknowledged=True),
    ]
    assert tally(PHASE, tries)["line"] == Tally()
