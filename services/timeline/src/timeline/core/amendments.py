"""What was later said of a message, and who may say it.

Everything here is folded oldest first, so that the order in which it was heard makes no difference.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from common.core.delivery import DeliveryStatus, later_status
from common.core.events import (
    Attachment,
    AttachmentState,
    AttachmentStored,
    Channel,
    Message,
    MessageKind,
    MessageStatus,
)
from timeline.core.entry import ATTACHMENT, STATUS, Entry
from timeline.core.items import Delivery, Reaction, Report, ShownFile, Version
from timeline.core.values import canonical


class _Files(Struct, frozen=True):
    """As much of a message as tells its files."""

    attachments: tuple[Attachment, ...] = ()


# There somebody holds one reaction at a time, so that a new one replaces it.
_ONE_REACTION_EACH = frozenset(
    {Channel.WHATSAPP, Channel.MESSENGER, Channel.INSTAGRAM, Channel.TELEGRAM}
)
_EDITS = (MessageKind.EDIT, MessageKind.UNSUPPORTED)
_REPORTS = (MessageKind.BOUNCE, MessageKind.SYSTEM)
_DELIVERED = ("delivered", "relayed", "expanded")  # RFC 3464 §2.3.3
# The attributes in which ingest_email keeps what a report says.
_RECIPIENTS = ("bounce_recipients", "bounce_recipient", "complaint_recipient", "delivered_to")
_CODES = ("bounce_status", "complaint_type", "disposition")

read_message = msgspec.json.Decoder(Message).decode
_read_files = msgspec.json.Decoder(_Files).decode
_read_status = msgspec.json.Decoder(MessageStatus).decode
_read_stored = msgspec.json.Decoder(AttachmentStored).decode


class Amendment(Struct, frozen=True):
    """An entry that speaks of another one, read: a status, a stored file, or else a message."""

    entry: Entry
    message: Message | None = None
    status: MessageStatus | None = None
    stored: AttachmentStored | None = None


class Amendments:
    """All that is known to have been said of some messages."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._about: dict[UUID, list[Amendment]] = defaultdict(list)
        for entry in sorted(once(entries), key=lambda entry: entry.moment):
            if entry.about is not None:
                self._about[entry.about].append(_read(entry))

    def speak_of(self, entry: Entry) -> bool:
        """Whether anything was said of a message; of most nothing was, and they need not be read."""
        return (entry.about or entry.message) in self._about or entry.event_id in self._about

    def of(self, entry: Entry, message: Message) -> list[Amendment]:
        """Return what was said of a message, or of the one that it speaks of, by who may."""
        said = self._said(entry.about or entry.message, set()) + self._said(entry.event_id, set())
        parties = {entry.contact, message.sender.contact}
        parties.update(party.contact for party in message.recipients)
        allowed = [one for one in said if _may_say(one, parties)]
        return sorted(allowed, key=lambda one: one.entry.moment)

    def _said(self, about: UUID | None, passed: set[UUID]) -> list[Amendment]:
        """Return it with what was said of the edits: on X, each edit has an id of its own."""
        if about is None or about in passed:
            return []
        passed.add(about)
        found = list(self._about.get(about, ()))
        for edit in edits_among(one.entry for one in found):
            found += self._said(edit.message, passed)
        return found


def once(entries: Iterable[Entry]) -> Iterable[Entry]:
    """Return each event where the bus had it first."""
    told = tuple(entries)
    found = {entry.event_id: entry for entry in told}
    if len(found) < len(told):  # which it seldom is
        latest_first = sorted(told, key=lambda entry: entry.position, reverse=True)
        found = {entry.event_id: entry for entry in latest_first}
    return found.values()


def edits_among(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yield the entries that say anew what a message says."""
    return (one for one in entries if one.about is not None and one.kind in _EDITS)


def spoken_of(entries: Iterable[Entry]) -> set[UUID]:
    """Return all references by which something may have been said of messages among these."""
    messages = [entry for entry in entries if entry.message is not None]
    names = ((entry.message, entry.about, entry.event_id) for entry in messages)
    return {name for of_one in names for name in of_one if name is not None}


def unsends_among(said: Iterable[Amendment]) -> Iterator[Entry]:
    """Yield the entries that take a message back."""
    return (one.entry for one in said if one.entry.kind == MessageKind.UNSEND)


def files(entry: Entry, message: Message, said: Iterable[Amendment]) -> tuple[ShownFile, ...]:
    """Return the event's files, as far as they are known; one that was once had stays."""
    shown = [ShownFile(**asdict(attachment)) for attachment in message.attachments]
    told = (one.stored for one in said if one.stored and one.entry.about == entry.event_id)
    for stored in told:
        place = stored.position
        if 0 <= place < len(shown) and shown[place].state is not AttachmentState.STORED:
            shown[place] = ShownFile(**asdict(stored.attachment), reason=stored.reason)
    return tuple(shown)


def first_files(entry: Entry) -> tuple[ShownFile, ...]:
    """Return the files of a message of which nothing was said since."""
    attachments = _read_files(entry.body).attachments
    return tuple(ShownFile(**asdict(attachment)) for attachment in attachments)


def delivery(said: Iterable[Amendment]) -> Delivery | None:
    """Return how far a message got, by statuses and by reports, since it was first heard."""
    known: Delivery | None = None
    for one in said:
        heard, code = _progress(one)
        if heard is None:
            continue
        status = later_status(known.status if known else None, heard)
        if known is None or status is not known.status:
            known = Delivery(status, one.entry.occurred_at, code)
    return known


def versions(entry: Entry, message: Message, said: Iterable[Amendment]) -> tuple[Version, ...]:
    """Return every wording, oldest first; none where nothing was edited."""
    edits = [
        _version(one.entry, one.message) for one in said if one.message and one.entry.kind in _EDITS
    ]
    return (_version(entry, message), *edits) if edits else ()


def reactions(said: Iterable[Amendment]) -> tuple[Reaction, ...]:
    """Return the reactions that still stand, oldest first."""
    held: dict[str, dict[str | None, Reaction]] = defaultdict(dict)
    for one in said:
        message = one.message
        if message is None or message.kind is not MessageKind.REACTION:
            continue
        theirs = held[message.sender.contact]
        if message.channel in _ONE_REACTION_EACH or not message.text:
            theirs.clear()
        theirs.pop(message.text, None)
        if message.text and message.attributes.get("action") != "unreact":
            theirs[message.text] = _reaction(one.entry, message)
    standing = (reaction for theirs in held.values() for reaction in theirs.values())
    return tuple(sorted(standing, key=lambda reaction: (reaction.at, reaction.event)))


def reports(said: Iterable[Amendment]) -> tuple[Report, ...]:
    """Return what machines reported of a mail, oldest first."""
    return tuple(
        Report(
            event=one.entry.event_id,
            at=one.entry.occurred_at,
            report=labels["report"],
            recipients=tuple(sorted(_recipients(one))),
            code=_first(labels, _CODES),
        )
        for one in said
        if (labels := _report(one))
    )


def _read(entry: Entry) -> Amendment:
    if entry.kind == STATUS:
        return Amendment(entry, status=_read_status(entry.body))
    if entry.kind == ATTACHMENT:
        return Amendment(entry, stored=_read_stored(entry.body))
    return Amendment(entry, read_message(entry.body))


def _may_say(one: Amendment, parties: set[str]) -> bool:
    """Whether one of those who exchanged the message says it, or the provider itself.

    Whoever sees a message may react to it. A report speaks of the recipients that it names; one
    that names none can only mean whoever the mail went to.
    """
    if one.entry.kind == MessageKind.REACTION or one.entry.contact in parties:
        return True
    if one.entry.contact.endswith(":unknown"):  # the provider tells no name (common.core.drafting)
        return True
    if not _report(one):
        return False
    named = _recipients(one)
    return not named or not parties.isdisjoint(named)


def _report(one: Amendment) -> Mapping[str, str]:
    """Return the labels of a report; nothing where it is none."""
    message = one.message
    if message is None or message.kind not in _REPORTS or "report" not in message.attributes:
        return {}
    return message.attributes


def _recipients(one: Amendment) -> set[str]:
    """Return whom a report speaks of; a receipt is written by the recipient."""
    labels = _report(one)
    if labels["report"] == "receipt":
        return {one.entry.contact}
    written = _first(labels, _RECIPIENTS) or ""
    found = (canonical(f"email:{address.strip()}", "") for address in written.split(","))
    return {contact for contact in found if contact}


def _first(labels: Mapping[str, str], names: Iterable[str]) -> str | None:
    return next((labels[name] for name in names if labels.get(name)), None)


def _progress(one: Amendment) -> tuple[DeliveryStatus | None, str | None]:
    """Return what it says of the delivery, and the code of a failure."""
    if one.status:
        return one.status.status, one.status.error_code
    labels = _report(one)
    report = labels.get("report")
    if report == "bounce" and labels.get("bounce_action") != "delayed":
        return DeliveryStatus.FAILED, labels.get("bounce_status")
    if report == "receipt" and labels.get("disposition") == "displayed":
        return DeliveryStatus.READ, None
    return (DeliveryStatus.DELIVERED if report in _DELIVERED else None), None


def _version(entry: Entry, message: Message) -> Version:
    return Version(entry.event_id, entry.occurred_at, message.subject, message.text)


def _reaction(entry: Entry, message: Message) -> Reaction:
    return Reaction(
        entry.event_id, entry.occurred_at, message.sender.contact, entry.direction, message.text
    )
