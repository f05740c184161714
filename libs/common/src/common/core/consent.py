"""Who may be written to: what people said to each of our addresses, last word first.

docs/consent.md tells senders how to honour it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

from msgspec.structs import replace

from common.core.cloudevents import Attributes, Record, event_type, record
from common.core.events import (
    ConsentChanged,
    ConsentState,
    Direction,
    Message,
    MessageKind,
    MessageStatus,
)
from common.core.ids import derived_id
from common.core.topics import CONSENT

_STATES: Mapping[MessageKind, ConsentState] = MappingProxyType(
    {MessageKind.OPT_OUT: ConsentState.OPTED_OUT, MessageKind.OPT_IN: ConsentState.OPTED_IN}
)


def later_consent(known: ConsentChanged | None, heard: ConsentChanged) -> ConsentChanged:
    """Return which of two words to the same address counts: commutative, associative, idempotent.

    The later one; of two at the same moment the one that says stop.
    """
    return heard if known is None else max(known, heard, key=_rank)


def may_send(history: Iterable[ConsentChanged]) -> bool:
    """Whether we may write to a contact from an address, by all that it ever said to that address.

    Order and repetitions do not matter. Who never said anything may be written to as far as this
    list knows: whether they had to ask for it first is the sender's law to know.
    """
    last: ConsentChanged | None = None
    for change in history:
        last = later_consent(last, change)
    return last is None or last.state is ConsentState.OPTED_IN


def consent_key(tenant: str, change: ConsentChanged) -> bytes:
    """Return the Kafka key of a change: equal for the same change however often it is told."""
    parts = (tenant, change.contact, change.address, change.message.hex)
    return "|".join(parts).encode()


def consent_records(attributes: Attributes, data: Message | MessageStatus) -> tuple[Record, ...]:
    """Return the event to publish after a message: one if it changes consent, else none."""
    state = _STATES.get(data.kind) if isinstance(data, Message) else None
    if not isinstance(data, Message) or state is None or data.direction is Direction.OUTBOUND:
        return ()
    change = ConsentChanged(
        contact=attributes.subject,
        address=data.recipients[0].contact if data.recipients else data.account,
        state=state,
        channel=data.channel,
        provider=data.provider,
        account=data.account,
        message=attributes.id,
        changed_at=attributes.time,
    )
    return (_record(attributes, change),)


def _record(message: Attributes, change: ConsentChanged) -> Record:
    attributes = replace(
        message, id=derived_id("consent", str(message.id)), type=event_type(change)
    )
    told = record(CONSENT.name, attributes, change)
    key = consent_key(message.tenant, change)
    headers = {**dict(told.headers), "ce_partitionkey": key}
    return replace(told, key=key, headers=tuple(headers.items()))


def _rank(change: ConsentChanged) -> tuple[datetime, bool, str]:
    return change.changed_at, change.state is ConsentState.OPTED_OUT, change.message.hex
