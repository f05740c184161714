"""Text messages as networks carry them: PDUs, alphabets, and parts that have to be put together."""

import struct
from collections.abc import Iterator, Mapping
from datetime import timedelta

import msgspec
from tests.fuzz.laws import Target, pieces, storable
from tests.samples.golden import RECEIVED_AT, account_of, request

from common.core.adapters import Original
from common.core.payloads import UnreadableError
from ingest_sms.core.concatenation import Part, assembled
from ingest_sms.core.registry import ADAPTERS, JOINERS
from ingest_sms.core.smpp.alphabets import decoder
from ingest_sms.core.smpp.parts import fingerprint, speaker
from ingest_sms.core.smpp.pdu import DELIVER_SM, HEADER_BYTES, Address, Delivery, deliveries
from ingest_sms.core.smpp.segments import segment
from ingest_sms.core.smpp.session import (
    SmppOptionsError,
    Status,
    answer,
    bind_options,
    explained,
    header,
    refusal,
)

MOST_PARTS = 255


def pdu(delivery: Delivery) -> bytes:
    """Return the `deliver_sm` of a delivery (SMPP 3.4, 4.6.1), the reverse of reading one."""
    addresses = b"".join(
        bytes((side.type_of_number, 1)) + side.digits.encode("latin-1") + b"\0"
        for side in (delivery.source, delivery.destination)
    )
    tlvs = b"".join(
        struct.pack(">HH", tag, len(value)) + value for tag, value in delivery.tlvs.items()
    )
    body = (
        b"\0"
        + addresses
        + bytes((delivery.esm_class, 0, 0, 0, 0, 0, 0, delivery.data_coding, 0))
        + bytes((len(delivery.content),))
        + delivery.content
        + tlvs
    )
    return struct.pack(">IIII", HEADER_BYTES + len(body), DELIVER_SM, 0, 1) + body


def smpp_round_trip(data: bytes) -> None:
    """Write any message as a PDU: what is read is what was written, and becomes one draft."""
    numbers, content, rest = pieces(data, 3)
    numbers, rest = numbers.ljust(4, b"1"), rest[:200]
    written = Delivery(
        Address(numbers[0] % 8, "81" + str(numbers[1])),
        Address(1, "815012345678"),
        numbers[2],
        numbers[3],
        content[:254],
        {0x0204 + index: rest[index : index + 9] for index in range(0, len(rest), 9)},
    )
    assert list(deliveries(pdu(written) * 2)) == [written] * 2
    placed = segment(written)
    assert 1 <= placed.number <= placed.total <= MOST_PARTS
    original = request("smpp", pdu(written))
    assert speaker(original.body) == written.source.digits
    drafts = ADAPTERS["smpp"].parse(original, account_of("smpp"))
    assert len(drafts) == 1
    storable(drafts)


def smpp_stream(data: bytes) -> None:
    """Read any stream of PDUs, as the session does before it knows what they hold."""
    first = header(data[:HEADER_BYTES].ljust(HEADER_BYTES, b"\0"))
    for reply in (answer(first, Status.OK), refusal(first, Status.INVALID_COMMAND)):
        again = header(reply[:HEADER_BYTES])
        assert again.in_step
        assert again.is_response
        assert again.sequence == first.sequence
    explained(first.status)
    speaker(data)
    fingerprint(data)
    try:
        found = list(deliveries(data))
    except UnreadableError:
        return
    assert sum(len(one.content) for one in found) <= len(data)


def alphabet(data: bytes) -> None:
    """Decode octets in every data coding: always text, never longer than its octets allow."""
    for coding in range(256):
        for default in ("gsm", "latin-1"):
            decode = decoder(coding, default)
            if decode is not None:
                assert len(decode(data)) <= len(data)


def concatenation(data: bytes) -> None:
    """Assemble parts in any order: none is lost, none counts twice, numbers are in order."""
    parts = [
        Part("s", number + 1, total + 1, content, RECEIVED_AT)
        for total, number, content in struct.iter_unpack("BBc", data[: len(data) // 3 * 3])
        if number <= total
    ]
    messages = assembled(parts)
    for message in messages:
        numbers = [part.number for part in message.parts]
        assert numbers == sorted(set(numbers))
        assert len(numbers) + len(message.missing) == message.total
        assert sum(map(len, message.runs())) == len(numbers)
        assert message.due(RECEIVED_AT, timedelta(0))
    held = {(one.total, one.number, one.content) for found in messages for one in found.parts}
    assert held == {(part.total, part.number, part.content) for part in parts}


def joining(data: bytes) -> None:
    """Join whatever a joiner takes for parts of one message: the adapter reads it as a whole."""
    for provider, bodies in (("smpp", list(_pdus(data))), ("vonage-sms", data.split(b"\n"))):
        parts = _parts_of_one_message(provider, bodies[:MOST_PARTS])
        if parts:
            whole = JOINERS[provider].join(list(parts.values()))
            drafts = ADAPTERS[provider].parse(whole, account_of(provider))
            assert len(drafts) == 1
            storable(drafts)


def _parts_of_one_message(provider: str, bodies: list[bytes]) -> dict[int, Original]:
    """Return by its number each part of the message that begins first, as they wait in the database."""
    found: dict[int, Original] = {}
    message = None
    for original in (request(provider, body) for body in bodies):
        place = JOINERS[provider].place(original)
        if place is None:
            continue
        assert 1 <= place.number <= place.total <= MOST_PARTS
        message = message or (place.series, place.total)
        if message == (place.series, place.total):
            found.setdefault(place.number, original)
    return found


def _pdus(data: bytes) -> Iterator[bytes]:
    """Yield parts of long messages: the first octets say which, the rest is their text."""
    for line in data.split(b"\n"):
        place = line[:3].ljust(3, b"\1")
        content = b"\x05\x00\x03" + place + line[3:200]
        yield pdu(Delivery(Address(1, "819012345678"), Address(1, "81501"), 0x40, 8, content, {}))


def smpp_options(data: bytes) -> None:
    """Read an account's options: a session that can be begun, or the documented error."""
    try:
        options = msgspec.json.decode(data, type=dict[str, str])
    except (msgspec.DecodeError, UnicodeError):
        return
    account = msgspec.structs.replace(account_of("smpp"), options=options, secrets=("secret",))
    try:
        bind_options(account)
    except SmppOptionsError:
        return


TARGETS: Mapping[str, Target] = {
    "smpp-round-trip": smpp_round_trip,
    "smpp-stream": smpp_stream,
    "smpp-options": smpp_options,
    "sms-alphabet": alphabet,
    "sms-concatenation": concatenation,
    "sms-joining": joining,
}
