"""Who a customer is, as far as the contacts and the profiles say."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from common.core.events import Account, Contract, CustomerChanged


class ContactLine(Struct, frozen=True):
    """A contact of a customer. `shared`: several people use it, so it proves nothing."""

    contact: str
    first_seen: datetime
    shared: bool


class ProfileLine(Struct, frozen=True):
    """Which other system knows this customer under which reference, and since when so."""

    customer_ref: str
    changed_at: datetime


class CustomerView(Struct, frozen=True, kw_only=True):
    """A customer.

    `name`, `tier`, `language` and `account` are what the newest profile that has one says;
    `contracts` are all profiles', those of the newest first. `merged` are ids that mean this
    customer too.
    """

    id: UUID
    created_at: datetime
    name: str | None
    tier: str | None
    language: str | None
    account: Account | None
    contracts: tuple[Contract, ...]
    contacts: tuple[ContactLine, ...]
    profiles: tuple[ProfileLine, ...]
    merged: tuple[UUID, ...]


def customer_view(
    customer: UUID,
    created_at: datetime,
    contacts: Sequence[ContactLine],
    profiles: Sequence[CustomerChanged],
    merged: Sequence[UUID],
) -> CustomerView:
    """Put together what is known of a customer; `profiles` are the newest of each reference."""
    newest_first = sorted(
        profiles, key=lambda profile: (profile.changed_at, profile.customer_ref), reverse=True
    )
    return CustomerView(
        id=customer,
        created_at=created_at,
        name=next((one.name for one in newest_first if one.name), None),
        tier=next((one.tier for one in newest_first if one.tier), None),
        language=next((one.language for one in newest_first if one.language), None),
        account=next((one.account for one in newest_first if one.account), None),
        contracts=tuple(contract for one in newest_first for contract in one.contracts),
        contacts=tuple(sorted(contacts, key=lambda line: (line.first_seen, line.contact))),
        profiles=tuple(ProfileLine(one.customer_ref, one.changed_at) for one in newest_first),
        merged=tuple(sorted(merged)),
    )
