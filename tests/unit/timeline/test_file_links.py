"""A link to a file opens that one file for a few minutes, and nothing that anybody else made up."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace

from timeline.core.file_links import (
    ORIGINAL,
    ExpiredLinkError,
    FileLink,
    LinkKeys,
    read_keys,
)

NOW = datetime(2026, 11, 24, 2, 45, tzinfo=UTC)
SECRET, OLD = b"s" * 32, b"o" * 32
KEYS = LinkKeys({"2026-11": SECRET, "2026-10": OLD})
LINK = FileLink("2026-11", int(NOW.timestamp()) + 300, "acme", UUID(int=7), 0, "files/acme/ab/abcd")


@given(
    tenant=st.text(max_size=63),
    entry=st.uuids(),
    place=st.integers(ORIGINAL, 1000),
    location=st.text(max_size=300),
)
def test_a_link_comes_back_as_it_was_signed(
    tenant: str, entry: UUID, place: int, location: str
) -> None:
    link = replace(LINK, tenant=tenant, entry=entry, place=place, location=location)
    token = KEYS.token(link)
    assert KEYS.link(token, NOW) == link
    assert token.isascii()
    assert not set(token) & set("+/=&?#% ")


@given(place=st.integers(0, 1000), with_=st.characters(codec="ascii"))
def test_a_token_with_any_other_letter_is_none_of_ours(place: int, with_: str) -> None:
    token = KEYS.token(LINK)
    at = place % len(token)
    forged = token[:at] + with_ + token[at + 1 :]
    try:
        found = KEYS.link(forged, NOW)
    except ValueError:
        return
    assert found == LINK  # the last letter of base64 has bits that say nothing


@given(st.text(max_size=400))
def test_what_somebody_made_up_is_none_of_ours(token: str) -> None:
    with pytest.raises(ValueError, match="not a link"):
        KEYS.link(token, NOW)


def test_a_link_ends_with_its_time() -> None:
    token = KEYS.token(LINK)
    assert KEYS.link(token, NOW + timedelta(seconds=299)) == LINK
    with pytest.raises(ExpiredLinkError):
        KEYS.link(token, NOW + timedelta(seconds=300))


def test_links_of_an_older_key_are_good_until_it_is_taken_away() -> None:
    old = KEYS.token(replace(LINK, key="2026-10"))
    assert KEYS.link(old, NOW).key == "2026-10"
    with pytest.raises(ValueError, match="not a link"):
        LinkKeys({"2026-11": SECRET}).link(old, NOW)
    with pytest.raises(ValueError, match="not a link"):
        LinkKeys({"2026-11": OLD}).link(KEYS.token(LINK), NOW)


def test_keys_are_named_and_long_and_the_first_one_signs() -> None:
    keys = read_keys(f" new:{'n' * 32}, old:{'o' * 40}")
    assert keys is not None
    assert keys.signing == "new"
    assert read_keys("") is None
    for wrong in ("new:short", "n" * 40, f":{'n' * 40}"):
        with pytest.raises(ValueError, match="id:secret"):
            read_keys(wrong)
