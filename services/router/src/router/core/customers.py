"""Who a customer is, put together from the profiles that other systems keep of one person."""

from collections.abc import Sequence
from uuid import UUID

from common.core.events import Contract, CustomerChanged
from router.core.facts import Customer


def known_as(customer: UUID, profiles: Sequence[CustomerChanged]) -> Customer:
    """Return the customer as the newest profile that says something about each field knows it."""
    newest = _newest_first(profiles)
    account = next((profile.account for profile in newest if profile.account), None)
    return Customer(
        customer=customer,
        customer_ref=newest[0].customer_ref if newest else None,
        name=next((profile.name for profile in newest if profile.name), None),
        account=account.account_id if account else None,
        tier=next((profile.tier for profile in newest if profile.tier), None),
        language=next((profile.language for profile in newest if profile.language), None),
    )


def contracts_of(profiles: Sequence[CustomerChanged]) -> tuple[Contract, ...]:
    """Return every contract of the profiles once, by id, as the newest profile has it."""
    contracts = {
        contract.contract_id: contract
        for profile in reversed(_newest_first(profiles))
        for contract in profile.contracts
    }
    return tuple(contracts[contract_id] for contract_id in sorted(contracts))


def _newest_first(profiles: Sequence[CustomerChanged]) -> list[CustomerChanged]:
    return sorted(
        profiles, key=lambda profile: (profile.changed_at, profile.customer_ref), reverse=True
    )
