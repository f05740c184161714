"""Who a customer is, put together from the profiles that other systems keep of one person."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from common.core.events import Account, Contract, CustomerChanged
from router.core.facts import Customer
from router.core.mail_domains import company_domain, is_public


class Company(Struct, frozen=True):
    """An account with its contracts and mail domains, and when some profile told them."""

    account: Account
    changed_at: datetime


def known_as(
    customer: UUID, profiles: Sequence[CustomerChanged], company: Account | None = None
) -> Customer:
    """Return the customer as the newest profile that says something about each field knows it.

    `company` is the account that the customer belongs to (`company_of`); without it what the profiles
    themselves tell of one counts.
    """
    company = company or _told_by(profiles)
    newest = _newest_first(profiles)
    own = {contract.contract_id for profile in profiles for contract in profile.contracts}
    shared = company.contracts if company else ()
    return Customer(
        customer=customer,
        customer_ref=newest[0].customer_ref if newest else None,
        name=next((profile.name for profile in newest if profile.name), None),
        account=company.account_id if company else None,
        tier=next((profile.tier for profile in newest if profile.tier), None),
        language=next((profile.language for profile in newest if profile.language), None),
        shared=tuple(one.contract_id for one in shared if one.contract_id not in own),
    )


def contracts_of(
    profiles: Sequence[CustomerChanged], company: Account | None = None
) -> tuple[Contract, ...]:
    """Return every contract of the profiles and the account once, by id.

    The newest profile counts where several know a contract, and a profile before the account.
    """
    company = company or _told_by(profiles)
    contracts = (
        {contract.contract_id: contract for contract in company.contracts} if company else {}
    )
    for profile in reversed(_newest_first(profiles)):
        contracts |= {contract.contract_id: contract for contract in profile.contracts}
    return tuple(contracts[contract_id] for contract_id in sorted(contracts))


def company_of(
    profiles: Sequence[CustomerChanged], contacts: Collection[str], companies: Iterable[Company]
) -> Account | None:
    """Return the account that a customer belongs to.

    It is the one that the newest profile with an account names; where none does, the one that lists
    the domain of a mail address of the customer's, unless that is a public provider's. Of several
    accounts that list it the one told last counts.
    """
    told = sorted(companies, key=lambda one: (one.changed_at, one.account.account_id), reverse=True)
    by_id = {one.account.account_id: one.account for one in reversed(told)}
    for profile in _newest_first(profiles):
        if profile.account is not None:
            return by_id.get(profile.account.account_id, profile.account)
    domains = {domain for contact in contacts if (domain := company_domain(contact))}
    return next((one.account for one in told if domains.intersection(one.account.domains)), None)


def account_told(profile: CustomerChanged) -> Company | None:
    """Return the account that a profile tells of, not merely names."""
    account = profile.account
    if account is None or not (account.domains or account.contracts):
        return None
    return Company(account, profile.changed_at)


def company_domains(account: Account) -> tuple[str, ...]:
    """Return the mail domains that show membership: those that not everybody has."""
    return tuple(dict.fromkeys(domain for domain in account.domains if not is_public(domain)))


def _told_by(profiles: Sequence[CustomerChanged]) -> Account | None:
    told = (account_told(profile) for profile in profiles)
    return company_of(profiles, (), [company for company in told if company])


def _newest_first(profiles: Sequence[CustomerChanged]) -> list[CustomerChanged]:
    return sorted(
        profiles, key=lambda profile: (profile.changed_at, profile.customer_ref), reverse=True
    )
