"""What travels between services and what is kept: events, contacts, originals, places of files."""

import asyncio
import ipaddress
from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import httpx
import msgspec
import obstore
from obstore.store import MemoryStore
from tests.fuzz.laws import SEPARATOR, Target, pieces, text
from tests.samples.golden import RECEIVED_AT, account_of, request

from common.core.addresses import is_public
from common.core.cloudevents import Event, read, record, structured
from common.core.consent import later_consent, may_send
from common.core.contacts import (
    MAX_LENGTH,
    ContactKind,
    InvalidContactError,
    email_contact,
    kind_of,
    normalised,
    phone_contact,
)
from common.core.errors import PoisonError
from common.core.events import Channel, ConsentChanged, ConsentState, MessageKind
from common.core.keywords import keyword_kind
from common.core.language import language_of
from common.core.media import (
    MAX_URL,
    RefusedError,
    first_url,
    looked_up,
    redirected,
    target_of,
)
from common.core.media_types import settled_type
from common.edges.clock import system_clock
from common.edges.objects import ObjectStore
from common.edges.originals import Originals

HOSTS = ("files.example.jp", "*.cdn.example.jp")
LANGUAGE_LETTERS = 2
PROGRAMS = (b"MZ", b"\x7fELF", b"#!/")
LOOP = asyncio.new_event_loop()


def structured_event(data: bytes) -> None:
    """Read a record in the structured form of CloudEvents."""
    try:
        event = read([("content-type", b"application/cloudevents+json")], data)
    except PoisonError:
        return
    carried_on(event)


def binary_event(data: bytes) -> None:
    """Read a record in the binary form: a line a header, then the value."""
    head, value = pieces(data, 2)
    headers = [line.partition(b":")[::2] for line in head.split(b"\n")]
    try:
        event = read([(name.decode("latin-1"), content) for name, content in headers], value)
    except PoisonError:
        return
    carried_on(event)


def carried_on(event: Event) -> None:
    """Assert that what was read can be written in both forms, and is read as the same again."""
    if event.data is None:
        return
    written = record("any.v1", event.attributes, event.data)
    again = read(written.headers, written.value)
    document = structured(event.attributes, event.data)
    other = read([("content-type", b"application/cloudevents+json")], document)
    for found in (again, other):
        assert msgspec.json.encode(found.data) == msgspec.json.encode(event.data)
        assert (found.attributes.id, found.attributes.time) == (
            event.attributes.id,
            event.attributes.time,
        )
        assert found.attributes.subject == event.attributes.subject


def contact(data: bytes) -> None:
    """Normalise an address of every kind: doing it again changes nothing."""
    written = text(data)
    for kind in ContactKind:
        try:
            found = normalised(f"{kind}:{written}")
        except InvalidContactError:
            continue
        value = found.partition(":")[2]
        assert 0 < len(value) <= MAX_LENGTH
        assert not any(character in found for character in "\0\r\n\u200b\u202e")
        kind_of(found)
        assert normalised(found) == found, (found, normalised(found))
    for read_contact in (email_contact, lambda number: phone_contact(number, "JP")):
        try:
            read_contact(written)
        except InvalidContactError:
            continue


def words(data: bytes) -> None:
    """Look for words that stop or start: width and a full stop behind them do not matter."""
    written = text(data)
    kind = keyword_kind(written)
    if kind is not MessageKind.MESSAGE:
        assert keyword_kind(written.strip().lower()) == kind
        assert keyword_kind(f" {written.strip()}。") in (kind, MessageKind.MESSAGE)
    language = language_of(written)
    assert language is None or len(language) == LANGUAGE_LETTERS


def consent(data: bytes) -> None:
    """Hear words of consent in any order, some twice: the same one counts."""
    heard = [_change(data[at], data[at + 1]) for at in range(0, len(data) - 1, 2)]
    may = may_send(heard)
    assert may_send(reversed(heard)) == may
    assert may_send([*heard, *heard]) == may
    assert may_send(sorted(heard, key=lambda change: change.message)) == may
    for one, other in pairwise(heard):
        assert later_consent(one, other) == later_consent(other, one)


def _change(minute: int, said: int) -> ConsentChanged:
    return ConsentChanged(
        contact="tel:+819012345678",
        address="tel:+815012345678",
        state=ConsentState.OPTED_OUT if said % 2 else ConsentState.OPTED_IN,
        channel=Channel.SMS,
        provider="twilio",
        account="main",
        message=UUID(int=said * 256 + minute),
        changed_at=RECEIVED_AT + timedelta(minutes=minute),
    )


def originals(data: bytes) -> None:
    """Read a segment of any bytes: originals that are found by their references, or poison."""
    store = MemoryStore()
    kept = Originals(ObjectStore(store), "fuzz", "one", system_clock)
    LOOP.run_until_complete(_segments(store, kept, data))


async def _segments(store: MemoryStore, kept: Originals, data: bytes) -> None:
    await obstore.put_async(store, "originals/fuzz/2026/01/15/000000.0-one-1", data)
    try:
        async for reference, original in kept.since():
            assert await kept.find(reference) == original
    except PoisonError:
        pass
    await obstore.delete_async(store, "originals/fuzz/2026/01/15/000000.0-one-1")
    bodies = data.split(SEPARATOR)[:9]
    references = [await kept.keep(request("line", body)) for body in bodies]
    found = [(reference, original.body) async for reference, original in kept.since()]
    assert found == list(zip(references, bodies, strict=True))


def media(data: bytes) -> None:
    """Read a link of a stranger's: only to hosts on the list, as any other program would read it."""
    link, location = (text(piece) for piece in pieces(data, 2))
    for provider in ("bluesky", "telegram", "whatsapp"):
        first_url(link, account_of(provider))
        try:
            looked_up(data, account_of(provider))
        except RefusedError:
            continue
    try:
        target = target_of(link, HOSTS)
    except RefusedError:
        return
    assert target.host == "files.example.jp" or target.host.endswith(".cdn.example.jp")
    assert httpx.URL(target.url).host == target.host
    assert len(target.path) <= 9 * MAX_URL
    assert target.path.startswith("/")
    assert target.path.isascii()
    if len(target.url) <= MAX_URL:
        assert target_of(target.url, HOSTS).host == target.host
    try:
        target_of(redirected(target, location), HOSTS)
    except RefusedError:
        return


def media_type(data: bytes) -> None:
    """Settle what a file is: no program is kept, and no markup as anything else."""
    declared, content = pieces(data, 2)
    settled = settled_type(text(declared), content)
    if settled is None:
        return
    if content.startswith(PROGRAMS) and b"\0" in content:
        raise AssertionError("a program was kept")
    assert not (content.lower().startswith(b"<script") and settled.startswith("image/"))


def address(data: bytes) -> None:
    """Judge an address: none that the standard library calls private is public to us."""
    written = text(data).strip()
    if is_public(written):
        assert ipaddress.ip_address(written).is_global
    if len(data) in (4, 16):
        packed = ipaddress.ip_address(data)
        assert not is_public(str(packed)) or packed.is_global


TARGETS: Mapping[str, Target] = {
    "structured-event": structured_event,
    "binary-event": binary_event,
    "contact": contact,
    "words": words,
    "consent": consent,
    "originals": originals,
    "media": media,
    "media-type": media_type,
    "address": address,
}
