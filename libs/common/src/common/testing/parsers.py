"""A parser with the faults that a stranger may find in one; other processes look it up by name."""

import os
import time

from common.core.adapters import ChannelAccount, Draft, Original
from common.core.events import Channel, Conversation, Direction, Message, MessageKind, Party

HANG, SLEEP, CRASH, FAIL = b"hang", b"sleep", b"crash", b"fail"


def parse(original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
    """Return one message named by what stands before the first space; see `_misbehave`."""
    _misbehave(original.body)
    name = original.body.partition(b" ")[0].decode(errors="replace")
    return (_draft(name, original, account),)


def unread(original: Original, account: ChannelAccount, reason: str) -> tuple[Draft, ...]:
    """Return the same message without reading on; misbehaves where the body asks for it twice."""
    _misbehave(original.body.partition(b" then ")[2])
    return (_draft(f"set aside for {reason}", original, account),)


def _misbehave(body: bytes) -> None:
    """End the process, never come back, or raise, as the body's first word says."""
    if body.startswith(CRASH):
        os._exit(1)
    while body.startswith(HANG):
        pass
    while body.startswith(SLEEP):
        time.sleep(1)
    if body.startswith(FAIL):
        raise ValueError("a fault of ours")


def _draft(name: str, original: Original, account: ChannelAccount) -> Draft:
    message = Message(
        message_id=name,
        kind=MessageKind.MESSAGE,
        direction=Direction.INBOUND,
        channel=Channel.APP,
        provider=original.provider,
        account=account.account,
        sender=Party("app:main:1"),
        conversation=Conversation("c"),
        received_at=original.received_at,
        text=name,
    )
    return Draft(provider_id=name, contact="app:main:1", time=original.received_at, data=message)
