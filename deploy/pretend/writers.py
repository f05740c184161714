"""Customers who write one message after the other, and each again until it is acknowledged."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count, starmap, takewhile
from typing import Protocol

from common.core.adapters import ChannelAccount
from common.edges.accounts import Accounts
from common.edges.clock import Clock
from pretend.connections import WebhookSender
from pretend.mail import japanese_mail
from pretend.mail_session import hand_over
from pretend.webhooks import line_text, twilio_sms

RETRY_SECONDS = 0.25  # a provider waits longer; what it does is the same


def message_text(number: int) -> str:
    """Return what a customer writes as his message `number`."""
    return f"{number} 通目のお問い合わせです。配送はいつになりますか？"


def message_number(text: str) -> int:
    """Return the number that `message_text` wrote."""
    return int(text.partition(" ")[0])


class Writer(Protocol):
    """One customer on one channel."""

    @property
    def contact(self) -> str:
        """Return who we take the customer for."""
        ...

    async def send(self, number: int, moment: datetime) -> bool:
        """Deliver message `number`, written at `moment`; whether it was acknowledged."""
        ...


@dataclass(frozen=True)
class SmsWriter:
    """Writes by SMS, delivered by Twilio."""

    sender: WebhookSender
    account: ChannelAccount
    index: int

    @property
    def contact(self) -> str:
        return f"tel:+8190{self.index:08}"

    async def send(self, number: int, moment: datetime) -> bool:
        del moment  # Twilio does not say when it was written
        sid = f"SM{self.index:08}{number:024}"
        request = twilio_sms(
            self.account, self.contact.removeprefix("tel:"), message_text(number), sid
        )
        return await self.sender.post(request)


@dataclass(frozen=True)
class LineWriter:
    """Writes to the LINE bot."""

    sender: WebhookSender
    account: ChannelAccount
    index: int

    @property
    def contact(self) -> str:
        return f"line:{self.account.account}:U{self.index:032x}"

    async def send(self, number: int, moment: datetime) -> bool:
        user = self.contact.rpartition(":")[2]
        event = f"01CHA0S{self.index:08}{number:011}"
        request = line_text(self.account, user, message_text(number), event, moment)
        return await self.sender.post(request)


@dataclass(frozen=True)
class MailWriter:
    """Writes mails in ISO-2022-JP, delivered by SMTP."""

    host: str
    port: int
    account: ChannelAccount
    index: int

    @property
    def contact(self) -> str:
        return f"email:{self.address}"

    @property
    def address(self) -> str:
        return f"kyaku{self.index}@example.jp"

    async def send(self, number: int, moment: datetime) -> bool:
        mail = japanese_mail(
            self.address,
            f"客 {self.index}",
            self.account.addresses[0],
            "配送について",
            message_text(number),
            f"{self.index}.{number}@example.jp",
            moment,
        )
        recipient = self.account.addresses[0]
        try:
            return await hand_over(self.host, self.port, self.address, recipient, mail)
        except OSError:  # a time-out is one
            return False


@dataclass(frozen=True)
class Try:
    """One delivery; both moments in seconds of the event loop's clock."""

    contact: str
    sent: float
    answered: float
    acknowledged: bool


@dataclass
class Ledger:
    """What was acknowledged, per contact, in order, and every try that led there."""

    acknowledged: dict[str, list[int]] = field(default_factory=dict)
    tries: list[Try] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Count every acknowledged message."""
        return sum(map(len, self.acknowledged.values()))

    @property
    def refusals(self) -> int:
        """Count the tries that were not acknowledged."""
        return sum(not item.acknowledged for item in self.tries)


async def write_until(
    is_over: Callable[[], bool],
    writers: Sequence[Writer],
    per_second: float,
    clock: Clock,
    ledger: Ledger,
) -> None:
    """Let customers write, together about `per_second`, each on to the acknowledgement after the end."""
    pause = len(writers) / per_second

    async def begin(number: int, writer: Writer) -> None:
        await asyncio.sleep(number / per_second)  # one after the other, not all at a beat
        await _write(is_over, writer, pause, clock, ledger)

    await asyncio.gather(*starmap(begin, enumerate(writers)))


async def _write(
    is_over: Callable[[], bool], writer: Writer, pause: float, clock: Clock, ledger: Ledger
) -> None:
    acknowledged = ledger.acknowledged.setdefault(writer.contact, [])
    loop = asyncio.get_running_loop()
    for number in takewhile(lambda _: not is_over(), count()):
        due = loop.time() + pause  # a slow answer must not slow down the customer
        moment = clock().astimezone(UTC)
        while not await _try(writer, number, moment, ledger):  # noqa: ASYNC110 - providers pause, too
            await asyncio.sleep(RETRY_SECONDS)
        acknowledged.append(number)
        await asyncio.sleep(max(0.0, due - loop.time()))


async def _try(writer: Writer, number: int, moment: datetime, ledger: Ledger) -> bool:
    loop = asyncio.get_running_loop()
    sent = loop.time()
    acknowledged = await writer.send(number, moment)
    ledger.tries.append(Try(writer.contact, sent, loop.time(), acknowledged))
    return acknowledged


def writers_of_all_channels(
    accounts: Accounts,
    sms: WebhookSender,
    social: WebhookSender,
    smtp: tuple[str, int],
    each: int,
) -> list[Writer]:
    """Return `each` customers on every one of the three channels."""
    twilio, line, mailbox = (
        accounts.of_provider(provider)[0] for provider in ("twilio", "line", "smtp")
    )
    writers: list[Writer] = []
    for index in range(1, each + 1):
        writers.append(SmsWriter(sms, twilio, index))
        writers.append(LineWriter(social, line, index))
        writers.append(MailWriter(*smtp, mailbox, index))
    return writers
