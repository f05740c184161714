"""Whatever goes away, crashes and comes back, in whatever order: acknowledged once, in order, for ever."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from obstore.store import MemoryStore
from typing_extensions import override

from common.core.adapters import ChannelAccount, Draft, Original
from common.core.cloudevents import Record, read
from common.core.errors import TransientError
from common.core.events import (
    Channel,
    Conversation,
    Direction,
    Message,
    MessageKind,
    Party,
)
from common.edges.accounts import Accounts
from common.edges.clock import system_clock
from common.edges.intake import Intake
from common.edges.objects import ObjectStore
from common.edges.originals import Originals
from common.edges.parsing import Parsing
from common.testing.fakes import MemoryInbox, MemoryPublisher

ACCOUNT = ChannelAccount(tenant="acme", provider="plain", account="main")
CONTACTS = ("app:main:1", "app:main:2")
MOMENT = system_clock()


def parse(original: Original, _account: ChannelAccount) -> tuple[Draft, ...]:
    contact, _, text = original.body.decode().partition(" ")
    message = Message(
        message_id=original.body.decode(),
        kind=MessageKind.MESSAGE,
        direction=Direction.INBOUND,
        channel=Channel.APP,
        provider="plain",
        account="main",
        sender=Party(contact),
        conversation=Conversation(contact),
        received_at=original.received_at,
        text=text,
    )
    return (Draft(provider_id=message.message_id, contact=contact, time=MOMENT, data=message),)


class DyingPublisher(MemoryPublisher):
    """Publishes, and then may die or time out before it can say so."""

    def __init__(self) -> None:
        super().__init__()
        self.doubtful = False

    @override
    async def publish(self, records: Sequence[Record]) -> None:
        await super().publish(records)
        if self.doubtful:
            raise TransientError("no answer in time")


class IntakeThroughCrashes(RuleBasedStateMachine):
    """A provider repeats each message until it is acknowledged, as all of them do."""

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.publisher = DyingPublisher()
        self.inbox = MemoryInbox()
        self.objects = ObjectStore(MemoryStore())
        self.acknowledged: dict[str, list[str]] = defaultdict(list)
        self.unanswered: dict[str, str] = {}
        self.start_process()

    @rule()
    def start_process(self) -> None:
        """A crash keeps what is durable and nothing else."""
        self.intake = Intake(
            service="ingest_plain",
            parsing=Parsing(parse),
            accounts=Accounts([ACCOUNT]),
            publisher=self.publisher,
            inbox=self.inbox,
            originals=Originals(self.objects, "ingest_plain", "one", lambda: MOMENT),
            objects=self.objects,
            retry_seconds=1,
        )

    @rule(contact=st.sampled_from(CONTACTS))
    def deliver(self, contact: str) -> None:
        number = len(self.acknowledged[contact])
        text = self.unanswered.get(contact, f"{number}")
        original = Original(
            provider="plain", account="main", received_at=MOMENT, body=f"{contact} {text}".encode()
        )
        try:
            self.loop.run_until_complete(self.intake.accept(original, ACCOUNT))
        except TransientError:
            self.unanswered[contact] = text
        else:
            self.unanswered.pop(contact, None)
            self.acknowledged[contact].append(text)

    @rule(away=st.booleans())
    def kafka(self, away: bool) -> None:  # noqa: FBT001 - hypothesis names it
        self.publisher.away = away

    @rule(doubtful=st.booleans())
    def kafkas_answers(self, doubtful: bool) -> None:  # noqa: FBT001
        self.publisher.doubtful = doubtful

    @rule(away=st.booleans())
    def postgres(self, away: bool) -> None:  # noqa: FBT001
        self.inbox.away = away

    @rule()
    def drain(self) -> None:
        try:
            self.loop.run_until_complete(self.intake._drain())
        except TransientError:
            return

    @invariant()
    def what_is_on_the_bus_is_in_the_order_of_the_acknowledgements(self) -> None:
        published = self.published()
        for contact, texts in self.acknowledged.items():
            wanted = [*texts, self.unanswered[contact]] if contact in self.unanswered else texts
            assert published[contact] == wanted[: len(published[contact])]

    @override
    def teardown(self) -> None:
        """In the end everything comes back, and nothing acknowledged is missing."""
        self.publisher.away = self.publisher.doubtful = self.inbox.away = False
        self.drain()
        published = self.published()
        for contact, texts in self.acknowledged.items():
            assert published[contact][: len(texts)] == texts
        self.loop.close()

    def published(self) -> dict[str, list[str]]:
        """Return each contact's texts as a reader sees them, who knows an event by its id."""
        seen: set[Any] = set()
        texts: dict[str, list[str]] = defaultdict(list)
        for record in self.publisher.records:
            event = read(record.headers, record.value)
            if event.attributes.id not in seen:
                seen.add(event.attributes.id)
                message = msgspec.json.decode(record.value, type=Message)
                texts[event.attributes.subject].append(message.text or "")
        return texts


TestIntakeThroughCrashes = IntakeThroughCrashes.TestCase
TestIntakeThroughCrashes.settings = settings(
    max_examples=150, stateful_step_count=30, deadline=None
)
