"""Mailgun routes ("Receive, Forward and Store Messages") to an address that ends in `/mime`.

Signed as "Securing Webhooks" says: time and token alone, the mail is not covered. So the token
names the event, and a request that repeats it with another mail is the event that we know already.
"""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

from common.core.adapters import Answer, ChannelAccount, Draft, Original, Outcome
from common.core.events import Authenticity
from common.core.payloads import UnreadableError
from common.core.signatures import fresh, hmac_hex, verified
from common.core.times import from_seconds
from common.core.webhooks import ANSWERS
from ingest_email.core.envelope import Envelope
from ingest_email.core.providers.delivery import Delivery, drafts_of
from ingest_email.core.providers.forms import last_values, text_of

# 406 is the one status after which Mailgun gives up. It repeats all others for eight hours: time
# enough to mend a signing key that is wrong on our side.
MAILGUN_ANSWERS: Mapping[Outcome, Answer] = MappingProxyType(
    {**ANSWERS, Outcome.UNAUTHENTIC: Answer(401), Outcome.TOO_LARGE: Answer(406)}
)


def authentic(original: Original, account: ChannelAccount) -> bool:
    """Whether one of the account's signing keys signed time and token, not long ago.

    Of fields that are given twice the last counts: a sender's own variables come before Mailgun's.
    """
    try:
        fields = last_values(original.body)
    except UnreadableError:
        return False
    signed_at, token = fields.get("timestamp", b""), fields.get("token", b"")
    return fresh(from_seconds(text_of(signed_at)), original, account) and verified(
        account.secrets,
        text_of(fields.get("signature", b"")),
        partial(hmac_hex, "sha256", message=signed_at + token),
    )


def parse(original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
    """Return the event of a delivered mail, named by its token."""
    return drafts_of(_unwrap, "mailgun-hmac", original, account)


def _unwrap(original: Original) -> Delivery:
    fields = last_values(original.body)
    if "body-mime" not in fields:
        raise UnreadableError("the route's address does not end in mime")
    sender, recipient = fields.get("sender"), text_of(fields.get("recipient", b""))
    return Delivery(
        mime=fields["body-mime"],
        envelope=Envelope(
            sender=None if sender is None else text_of(sender),
            recipients=(recipient,) if recipient else (),
        ),
        authenticity=Authenticity(),
        name=text_of(fields.get("token", b"")) or None,
    )
