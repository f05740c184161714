"""Asking for mentions goes on where it ended: nothing is left out, nothing is asked for ever."""

import msgspec
import pytest
from hypothesis import given, strategies as st

from common.core.payloads import UnreadableError
from ingest_social.core.bluesky import notifications as bluesky
from ingest_social.core.mastodon import notifications as mastodon
from ingest_social.core.news import News


def listed(*names: int) -> bytes:
    return msgspec.json.encode([{"id": str(name), "type": "mention"} for name in names])


def names(bodies: tuple[bytes, ...]) -> list[str]:
    return [msgspec.json.decode(body)["id"] for body in bodies]


def test_a_mastodon_page_is_read_oldest_first_and_goes_on_behind_the_newest() -> None:
    found = mastodon.news(listed(110, 99, 9), None)
    assert names(found.bodies) == ["9", "99", "110"]
    assert (found.position, found.more) == ("110", False)
    assert ("min_id", "110") in mastodon.query(found.position)
    assert len(mastodon.query(None)) == 2


def test_a_full_mastodon_page_means_that_there_is_more() -> None:
    full = listed(*range(140, 100, -1))
    assert mastodon.news(full, "100").more
    assert not mastodon.news(full, None).more  # the first page is where we begin
    assert mastodon.news(b"[]", "100") == News((), "100")


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'[{"type":"mention"}]', b"[" * 5000])
def test_what_is_no_list_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        mastodon.news(body, None)
    with pytest.raises(UnreadableError):
        bluesky.page(body)


def answer(*times: int, older: str | None = None) -> bluesky.Page:
    notifications = [
        {"uri": f"at://did:plc:a/app.bsky.feed.post/{time}-{number}", "indexedAt": f"{time:04}"}
        for number, time in enumerate(times)
    ]
    told = {"notifications": notifications} | ({"cursor": older} if older else {})
    return bluesky.page(msgspec.json.encode(told))


def test_bluesky_is_paged_back_to_where_we_were() -> None:
    first = bluesky.news([answer(5, 4)], None)
    assert [b'"indexedAt":"0004"' in body for body in first.bodies] == [True, False]
    newer = [answer(9, 8, older="c1"), answer(7, 5, 4, older="c2")]
    assert not bluesky.reaches(newer[0], first.position)
    assert bluesky.reaches(newer[1], first.position)
    assert ("cursor", "c1") in bluesky.query(newer[0].older)
    assert len(bluesky.query(None)) == 4


def test_the_first_page_or_the_last_one_is_enough() -> None:
    assert bluesky.reaches(answer(9, 8, older="c"), None)
    assert bluesky.reaches(answer(9, 8), '["0001",[]]')
    assert bluesky.reaches(bluesky.Page((), "c"), '["0001",[]]')


@given(st.lists(st.integers(1, 6), min_size=1, max_size=12), st.integers(0, 12))
def test_whatever_came_is_heard_exactly_once_also_at_the_same_moment(
    times: list[int], split: int
) -> None:
    times.sort()
    items = [
        bluesky.Item(f"at://{number}", f"{time:04}", b"{}") for number, time in enumerate(times)
    ]
    position, heard = None, 0
    for count in (min(split, len(items)), len(items)):
        page = bluesky.Page(tuple(reversed(items[:count])), None)
        found = bluesky.news([page], position)
        position, heard = found.position, heard + len(found.bodies)
    assert heard == len(items)
    assert bluesky.news([bluesky.Page(tuple(reversed(items)), None)], position).bodies == ()
