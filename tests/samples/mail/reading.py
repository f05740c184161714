"""What a mail becomes, for tests that begin with bytes."""

from datetime import UTC, datetime

from msgspec import Struct

from common.core.adapters import ChannelAccount, Draft, File, Original
from common.core.events import Message
from ingest_email.core.message import parse

RECEIVED_AT = datetime(2026, 1, 15, 0, 30, tzinfo=UTC)
ACCOUNT = ChannelAccount(
    tenant="acme",
    provider="smtp",
    account="support",
    secrets=("new secret", "old secret"),
    team="お客様サポート",
    options={"authserv_id": "mx.acme.example"},
)


class Reading(Struct, frozen=True):
    """A draft whose data is known to be a message."""

    draft: Draft
    message: Message

    @property
    def contact(self) -> str:
        """Return the contact that the event is about."""
        return self.draft.contact

    @property
    def files(self) -> tuple[File, ...]:
        """Return what goes to object storage."""
        return self.draft.files


def original(mail: bytes, **envelope: str) -> Original:
    """Return a mail as it reached us; `envelope` as in core.envelope, with `_` for `-`."""
    return Original(
        provider="smtp",
        account="support",
        received_at=RECEIVED_AT,
        body=mail,
        headers={name.replace("_", "-"): value for name, value in envelope.items()},
    )


def read(mail: bytes, **envelope: str) -> Reading:
    """Return the event of a mail."""
    return reading(*parse(original(mail, **envelope), ACCOUNT))


def reading(draft: Draft) -> Reading:
    """Return a draft as the message that it is."""
    assert isinstance(draft.data, Message)
    return Reading(draft, draft.data)
