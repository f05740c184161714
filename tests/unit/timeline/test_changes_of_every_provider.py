"""What each provider's adapter says of a message finds that message, in any order."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from random import Random

import pytest
from msgspec.structs import replace
from tests.samples.golden import ADAPTERS, drafts, samples
from tests.unit.timeline.telling import entry, event

from common.core.adapters import Draft
from common.core.events import Conversation, Direction, Message, MessageKind, MessageStatus, Party
from timeline.core.amendments import Amendments, spoken_of
from timeline.core.entry import CHANGES, Entry
from timeline.core.fold import present

SPEAKING = (*CHANGES, MessageKind.UNSUPPORTED)
# Of these nobody answers, changes or reads anything that is on the bus.
SILENT = {"aws-sms", "mailgun", "postmark", "sendgrid", "ses"}


def said_by(service: str, provider: str) -> list[Draft]:
    """Return all drafts of a provider's samples, each event once."""
    found = (
        draft
        for sample in samples(service)
        if sample.parent.name == provider
        for draft in drafts(service, provider, sample.read_bytes())
    )
    return list({draft.provider_id: draft for draft in found}.values())


def target_of(draft: Draft) -> str | None:
    """Return the id of the message that a draft speaks of."""
    if isinstance(draft.data, MessageStatus):
        return draft.data.message_id
    return draft.data.target if draft.data.kind in SPEAKING else None


def sent_elsewhere(change: Draft) -> Draft:
    """Return the message that a change speaks of, as the system that sent it would publish it."""
    data = change.data
    person = data.recipient if isinstance(data, MessageStatus) else data.sender
    message = Message(
        message_id=target_of(change) or "",
        kind=MessageKind.MESSAGE,
        direction=Direction.OUTBOUND,
        channel=data.channel,
        provider=data.provider,
        account=data.account,
        sender=Party("app:desk"),
        recipients=(person,),
        conversation=Conversation(person.contact),
        received_at=change.time,
        text="担当の者です",
    )
    name = f"sent:{message.message_id}:{change.contact}"
    return replace(change, provider_id=name, data=message)


def entries_of(told: Iterable[Draft]) -> Iterator[Entry]:
    for offset, draft in enumerate(told):
        yield entry(event(draft.data, draft.contact, draft.time, draft.provider_id), offset)


def with_what_they_speak_of(told: Sequence[Draft]) -> list[Draft]:
    """Return the drafts, and the messages that they speak of and that no sample holds."""
    written = [(draft, draft.data) for draft in told if isinstance(draft.data, Message)]
    known = {message.message_id for _, message in written}
    ours = {
        (message.message_id, draft.contact)
        for draft, message in written
        if message.direction is Direction.OUTBOUND
    }
    missing: dict[tuple[str, str], Draft] = {}
    for draft in told:
        target = target_of(draft)
        if target is None:
            continue
        name = (target, draft.contact)
        if name not in ours if isinstance(draft.data, MessageStatus) else target not in known:
            missing[name] = sent_elsewhere(draft)
    return [*told, *missing.values()]


PROVIDERS = [
    (service, provider)
    for service, adapters in ADAPTERS.items()
    for provider in adapters
    if provider not in SILENT
]


@pytest.mark.parametrize(("service", "provider"), PROVIDERS)
def test_every_change_finds_its_message(service: str, provider: str) -> None:
    told = with_what_they_speak_of(said_by(service, provider))
    entries = list(entries_of(told))
    amending = [one for one in entries if one.about]
    assert amending, "a provider that never speaks of a message belongs to SILENT"
    found = defaultdict(set)
    for one in entries:
        if one.message and one.about is None:
            message = told[one.position.offset].data
            assert isinstance(message, Message)
            for said in Amendments(amending).of(one, message):
                found[said.entry.event_id].add(one.message)
    lost = [told[one.position.offset] for one in amending if one.event_id not in found]
    assert lost == []


@pytest.mark.parametrize(("service", "provider"), PROVIDERS)
def test_a_provider_s_events_in_any_order_give_one_page(service: str, provider: str) -> None:
    entries = list(entries_of(with_what_they_speak_of(said_by(service, provider))))
    page = present([one for one in entries if one.listed], [one for one in entries if one.about])
    for seed in range(20):
        shuffled = Random(seed).sample(entries, len(entries))  # noqa: S311 - a test's order
        again = [*shuffled, *shuffled[::3]]
        listed = [one for one in again if one.listed]
        names = spoken_of(listed)
        said = [one for one in again if one.about in names]
        assert present(listed, said) == page
