"""Continuity: whether a message opens a case, joins the open one, reopens a resolved one, or none."""

from collections.abc import Mapping
from datetime import timedelta

from common.core.cases import Continuity
from common.core.events import Channel, Direction, Message, MessageKind
from common.core.ids import derived_id
from router.core.facts import Arrival, Case, CaseState, Customer, Unrouted
from router.core.wording import Wording

OPENING = frozenset(  # somebody wants something, or wrote what only a person can read
    {MessageKind.MESSAGE, MessageKind.POSTBACK, MessageKind.HELP, MessageKind.UNSUPPORTED}
)
MAX_KEY_BYTES = 1000
FOLLOWING = frozenset(  # worth seeing beside an open case, never worth one of their own
    {
        MessageKind.EDIT,
        MessageKind.UNSEND,
        MessageKind.REACTION,
        MessageKind.BOUNCE,
        MessageKind.AUTO_REPLY,
        MessageKind.OPT_IN,  # YES and CANCEL may answer an agent's question
        MessageKind.OPT_OUT,
    }
)


def relation(
    message: Message, case: Case | None, reopen_within: timedelta, say: Wording
) -> Continuity | Unrouted:
    """Return how a message relates to its conversation's newest case.

    Only what opens cases reopens them: an automatic reply to "your case is solved" must not.
    """
    if message.direction is Direction.OUTBOUND:
        return Unrouted(say.outbound)
    if message.kind not in OPENING and message.kind not in FOLLOWING:
        return Unrouted(say.never_routed.format(kind=message.kind))
    if case is not None and case.state is not CaseState.RESOLVED:
        return Continuity.JOINED
    if message.kind in FOLLOWING:
        return Unrouted(say.follows_nothing.format(kind=message.kind))
    if case is not None and _recently_resolved(case, message, reopen_within):
        return Continuity.REOPENED
    return Continuity.OPENED


def filing_keys(arrival: Arrival) -> tuple[str, str]:
    """Return the keys that a message's case may be filed under: the conversation's and its sender's.

    An empty conversation key would gather everybody's messages, so the sender's stands for it.
    """
    key = arrival.message.conversation.key
    own = _filing_key(f"{key}|{arrival.contact}")
    return _filing_key(key) if key else own, own


def find(
    arrival: Arrival, customer: Customer, cases: Mapping[str, Case]
) -> tuple[str, Case | None]:
    """Return the key to file a message under and the newest case there, of those filed by key.

    Whoever has seen a mail's Message-ID can claim to answer it. So a mail joins a case only if its
    sender takes part there; a stranger's is filed apart. Other channels vouch for their members.
    """
    shared, own = filing_keys(arrival)
    case = cases.get(shared)
    if case is None or _takes_part(arrival, customer, case):
        return shared, case
    return own, cases.get(own)


def _filing_key(text: str) -> str:
    """Return the text, or an id of it where an index could not hold it."""
    if len(text.encode()) > MAX_KEY_BYTES or "\0" in text:
        return str(derived_id("conversation", text))
    return text


def _takes_part(arrival: Arrival, customer: Customer, case: Case) -> bool:
    return (
        arrival.message.channel is not Channel.EMAIL
        or arrival.contact in case.participants
        or customer.customer == case.customer
    )


def _recently_resolved(case: Case, message: Message, reopen_within: timedelta) -> bool:
    return case.resolved_at is not None and message.received_at <= case.resolved_at + reopen_within
