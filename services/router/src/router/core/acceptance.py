"""Events as the router takes them in: times aware and of this age, contacts as everybody writes them.

Others publish on the bus too, and a time in the year 9999 is no reason to stop.
"""

from datetime import UTC, datetime
from functools import lru_cache

from msgspec.structs import replace

from common.core.contacts import InvalidContactError, normalised
from common.core.errors import PoisonError
from common.core.events import (
    Account,
    Activity,
    ConsentChanged,
    Contract,
    CustomerChanged,
    CustomersMerged,
    CustomersUnmerged,
    Message,
)
from common.core.text import clean

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
MAX_REFERENCE_BYTES = 500  # an index cannot hold much more
MAX_DOMAIN_BYTES = 253  # RFC 1035


def accepted_message(message: Message) -> Message:
    """Return a message that can be decided about.

    Raises PoisonError (`bad-time`) where it was received before or after this age.
    """
    at = _sane("received_at", message.received_at)
    return message if at is message.received_at else replace(message, received_at=at)


def accepted_profile(profile: CustomerChanged) -> CustomerChanged:
    """Return a profile that can be kept; what is no contact is left out.

    Raises PoisonError (`bad-time`, `bad-reference`).
    """
    if not 0 < len(profile.customer_ref.encode()) <= MAX_REFERENCE_BYTES:
        raise PoisonError("bad-reference", "customer_ref is empty or too long")
    found = (_canonical(contact) for contact in profile.contacts)
    return replace(
        profile,
        changed_at=_sane("changed_at", profile.changed_at),
        contacts=tuple(dict.fromkeys(contact for contact in found if contact)),
        contracts=tuple(_accepted_contract(contract) for contract in profile.contracts),
        account=_accepted_account(profile.account),
    )


def accepted_activity(activity: Activity) -> Activity:
    """Return an activity that can be kept. Raises PoisonError (`bad-time`, `bad-contact`)."""
    contact = _canonical(activity.contact)
    if contact is None:
        raise PoisonError("bad-contact", "the activity is about no contact")
    return replace(
        activity, contact=contact, occurred_at=_sane("occurred_at", activity.occurred_at)
    )


def accepted_consent(change: ConsentChanged) -> ConsentChanged:
    """Return a word about being written to that can be kept. Raises PoisonError (`bad-time`)."""
    return replace(change, changed_at=_sane("changed_at", change.changed_at))


def moved_at(link: CustomersMerged | CustomersUnmerged) -> datetime:
    """Return when contacts moved. Raises PoisonError (`bad-time`)."""
    if isinstance(link, CustomersMerged):
        return _sane("merged_at", link.merged_at)
    return _sane("unmerged_at", link.unmerged_at)


def _accepted_account(account: Account | None) -> Account | None:
    """Return an account that can be kept, its domains as mail contacts have them; None without an id."""
    if account is None or not 0 < len(account.account_id.encode()) <= MAX_REFERENCE_BYTES:
        return None
    written = (domain.strip().lower().strip("@.") for domain in account.domains)
    return replace(
        account,
        account_id=clean(account.account_id),
        domains=tuple(dict.fromkeys(domain for domain in written if _is_domain(domain))),
        contracts=tuple(_accepted_contract(contract) for contract in account.contracts),
    )


def _is_domain(domain: str) -> bool:
    return "." in domain and "\0" not in domain and len(domain.encode()) <= MAX_DOMAIN_BYTES


def _accepted_contract(contract: Contract) -> Contract:
    """Return a contract whose times can be reckoned with: many write "for ever" as the year 9999."""
    ends_at = contract.ends_at
    return replace(
        contract,
        contract_id=clean(contract.contract_id),  # it stands in each case's row
        starts_at=min(max(_utc(contract.starts_at), EARLIEST), LATEST),
        ends_at=None if ends_at is None else min(max(_utc(ends_at), EARLIEST), LATEST),
    )


@lru_cache(maxsize=10_000)
def _canonical(contact: str) -> str | None:
    try:
        return normalised(contact)
    except InvalidContactError:
        return None


def _sane(name: str, at: datetime) -> datetime:
    aware = _utc(at)
    if not EARLIEST <= aware < LATEST:
        raise PoisonError("bad-time", f"{name} is not of this age")
    return aware


def _utc(at: datetime) -> datetime:
    """Return an aware time; one without a zone is in UTC, as times on the bus are."""
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
