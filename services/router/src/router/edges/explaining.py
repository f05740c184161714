"""`explain` and `rules check`: decisions without servers, from files."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from common.core.cloudevents import STRUCTURED, Attributes, read
from common.core.errors import PoisonError
from common.core.events import CustomerChanged, Message
from common.core.ids import customer_id, event_id
from router.core.acceptance import accepted_message, accepted_profile
from router.core.customers import contracts_of, known_as
from router.core.facts import Arrival, Case, Unrouted
from router.core.policy import Policy
from router.core.routing import Routed, route

NOBODYS = "local"  # the tenant of a message that comes as a bare file


Data = TypeVar("Data", Message, CustomerChanged)


class UnreadableError(ValueError):
    """A file is no message or profile; says which and why."""


def read_messages(file: Path) -> tuple[Arrival, ...]:
    """Return the messages of a file: one JSON document, or one a line.

    Each is a CloudEvent (what `python -m ingest_email parse` prints) or a bare message.
    Raises UnreadableError.
    """
    return tuple(_arrival(file, document) for document in _documents(file))


def read_profile(file: Path) -> CustomerChanged:
    """Return the profile in a file, a CloudEvent or bare. Raises UnreadableError."""
    documents = tuple(_documents(file))
    if len(documents) != 1:
        raise UnreadableError(f"{file}: one profile, please")
    return _read(file, documents[0], CustomerChanged, accepted_profile)[1]


def explained(
    arrivals: tuple[Arrival, ...],
    profile: CustomerChanged | None,
    policy: Policy,
    now: datetime | None,
) -> Iterator[Routed | Unrouted]:
    """Yield what becomes of each message, one after the other, as the live service would have it.

    `now` defaults to each message's own time. The profile is taken to be the sender's.
    """
    profiles = [profile] if profile else []
    cases: dict[str, Case] = {}
    for arrival in arrivals:
        customer = known_as(customer_id(arrival.tenant, arrival.contact), profiles)
        moment = now or arrival.message.received_at
        outcome = route(arrival, customer, contracts_of(profiles), cases, None, policy, moment)
        if isinstance(outcome, Routed):
            cases[outcome.case.conversation] = outcome.case
        yield outcome


class _Envelope(Struct):
    specversion: str | None = None


def _documents(file: Path) -> Iterator[bytes]:
    content = file.read_bytes()
    try:
        msgspec.json.decode(content, type=msgspec.Raw)
    except msgspec.DecodeError:
        yield from (line for line in content.splitlines() if line.strip())
    else:
        yield content


def _arrival(file: Path, document: bytes) -> Arrival:
    attributes, message = _read(file, document, Message, accepted_message)
    if attributes is None:
        event = event_id(message.provider, message.account, message.message_id)
        return Arrival(event=event, tenant=NOBODYS, contact=message.sender.contact, message=message)
    return Arrival(
        event=attributes.id,
        tenant=attributes.tenant,
        contact=attributes.subject,
        message=message,
        traceparent=attributes.traceparent,
    )


def _read(
    file: Path, document: bytes, kind: type[Data], accepted: Callable[[Data], Data]
) -> tuple[Attributes | None, Data]:
    """Return a value, with its context attributes where it is a CloudEvent."""
    attributes = None
    try:
        if msgspec.json.decode(document, type=_Envelope).specversion is None:
            data = msgspec.json.decode(document, type=kind)
        else:
            event = read((("content-type", STRUCTURED.encode()),), document)
            attributes, data = event.attributes, event.data
        if not isinstance(data, kind):
            raise UnreadableError(f"{file}: not what is asked for here")
        return attributes, accepted(data)
    except (msgspec.DecodeError, PoisonError) as error:
        raise UnreadableError(f"{file}: {error}") from error
