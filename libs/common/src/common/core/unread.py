"""What stands for an original that its parser did not come to an end with."""

from msgspec.structs import replace

from common.core.adapters import ChannelAccount, Draft, Original, Parse
from common.core.events import Message, MessageKind
from common.core.signatures import sha256_hex


def set_aside(
    parse: Parse, original: Original, account: ChannelAccount, reason: str
) -> tuple[Draft, ...]:
    """Return the events of a stand-in that is named by the original's hash and says nothing.

    It has the original's account, time and envelope. No byte of the body is looked at.
    """
    # After an empty line, so that a mail has it for its body.
    body = f"\r\n\r\nsha256:{sha256_hex(original.body)}".encode()
    drafts = parse(replace(original, body=body), account)
    return tuple(marked_unread(draft, reason) for draft in drafts)


def marked_unread(draft: Draft, reason: str) -> Draft:
    """Return a message's draft as `unsupported`, without text, its reason in `unreadable`."""
    if not isinstance(draft.data, Message):
        return draft
    data = replace(
        draft.data,
        kind=MessageKind.UNSUPPORTED,
        text=None,
        text_reply=None,
        language=None,
        attributes={**draft.data.attributes, "unreadable": reason},
    )
    return replace(draft, data=data)
