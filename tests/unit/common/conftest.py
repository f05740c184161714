"""An intake with fakes behind it, and a provider that trusts one word."""

from datetime import UTC, datetime

import msgspec
import pytest
from obstore.store import MemoryStore

from common.core.adapters import Answer, ChannelAccount, Draft, File, Original, Outcome
from common.core.events import (
    Attachment,
    AttachmentState,
    Channel,
    Conversation,
    Direction,
    Message,
    Party,
)
from common.core.keywords import keyword_kind
from common.core.webhooks import ANSWERS
from common.edges.accounts import Accounts
from common.edges.intake import Intake
from common.edges.objects import ObjectStore
from common.edges.originals import Originals
from common.edges.parsing import Parsing
from common.testing.fakes import MemoryInbox, MemoryPublisher

MOMENT = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
PICTURE = File("ab" * 32, b"\x89PNG", "image/png")


class PlainAdapter:
    """A provider that signs with the word `trusted` and sends the text as it is."""

    provider = "plain"

    def authentic(self, original: Original, account: ChannelAccount) -> bool:
        return original.headers.get("x-sign") in account.secrets

    def certificate(self, original: Original, account: ChannelAccount) -> str | None:
        del account
        return original.headers.get("x-certificate")

    def confirmation(self, original: Original, account: ChannelAccount) -> str | None:
        del account
        return original.headers.get("x-confirm")

    def challenge(self, original: Original, account: ChannelAccount) -> Answer | None:
        del account
        return Answer(200, b"pong") if original.url.endswith("?ping") else None

    def parse(self, original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
        text = original.body.decode(errors="replace")
        if not text:
            return ()
        message = Message(
            message_id=text,
            kind=keyword_kind(text),
            direction=Direction.INBOUND,
            channel=Channel.APP,
            provider="plain",
            account=account.account,
            sender=Party("app:main:1"),
            conversation=Conversation("c"),
            received_at=original.received_at,
            text=text,
            attachments=(
                Attachment(
                    name="絵.png",
                    media_type="image/png",
                    state=AttachmentState.REMOTE,
                    sha256=PICTURE.sha256,
                ),
                Attachment(name="x", media_type="image/png", state=AttachmentState.REMOTE),
            ),
        )
        draft = Draft(
            provider_id=text,
            contact="app:main:1",
            time=original.received_at,
            data=message,
            files=(PICTURE,),
        )
        return (draft,)

    def answer(self, outcome: Outcome) -> Answer:
        return ANSWERS[outcome]


class Desk:
    """Everything an intake test needs to look at."""

    def __init__(self) -> None:
        self.adapter = PlainAdapter()
        self.account = ChannelAccount(
            tenant="acme",
            provider="plain",
            account="main",
            secrets=("trusted",),
            team="お客様相談室",
            public_url="https://hooks.acme.example/v1/webhooks/plain/main",
        )
        self.accounts = Accounts([self.account])
        self.publisher = MemoryPublisher()
        self.inbox = MemoryInbox()
        self.objects = ObjectStore(MemoryStore())
        self.originals = Originals(self.objects, "ingest_plain", "one", lambda: MOMENT)
        self.intake = Intake(
            service="ingest_plain",
            parsing=Parsing(self.adapter.parse),
            accounts=self.accounts,
            publisher=self.publisher,
            inbox=self.inbox,
            originals=self.originals,
            objects=self.objects,
            retry_seconds=0.001,
        )

    def original(self, text: str, account: str = "main") -> Original:
        return Original(provider="plain", account=account, received_at=MOMENT, body=text.encode())

    async def drain(self) -> None:
        """Let the inbox be drained once."""
        await self.intake._drain()

    def texts(self) -> list[str]:
        """Return what was published, in order."""
        return [
            msgspec.json.decode(record.value, type=Message).text or ""
            for record in self.publisher.records
        ]


@pytest.fixture
def desk() -> Desk:
    """A fresh intake that has not looked into its inbox yet."""
    return Desk()
