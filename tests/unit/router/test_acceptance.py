"""Whatever others publish, times are aware and of this age, and profiles can be put together."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace

from common.core.errors import PoisonError
from common.core.events import (
    Account,
    Contract,
    CustomerChanged,
    CustomersMerged,
    CustomersUnmerged,
)
from router.core.acceptance import accepted_message, accepted_profile, moved_at
from router.core.customers import contracts_of, known_as
from router.core.facts import Arrival, Customer

NOW = datetime(2026, 11, 24, tzinfo=UTC)
TARO = UUID(int=7)


def profile(reference: str = "crm-1", **fields: object) -> CustomerChanged:
    given = {"contacts": ("email:taro@example.jp",), "changed_at": NOW, **fields}
    return CustomerChanged(customer_ref=reference, **given)  # type: ignore[arg-type]  # a test's short hand


def test_a_message_without_a_zone_was_received_in_utc(written: Callable[..., Arrival]) -> None:
    message = written().message
    bare = replace(message, received_at=message.received_at.replace(tzinfo=None))
    assert accepted_message(message) is message
    assert accepted_message(bare) == message


@pytest.mark.parametrize("year", [1970, 2500])
def test_a_message_of_another_age_is_poison(written: Callable[..., Arrival], year: int) -> None:
    message = written(received_at=datetime(year, 1, 1, tzinfo=UTC)).message
    with pytest.raises(PoisonError, match="bad-time"):
        accepted_message(message)


def test_a_profiles_contacts_are_written_as_messages_write_them() -> None:
    contacts = ("email:Taro@Example.JP", "tel:090-1234-5678", "nonsense", "tel:+819012345678")
    accepted = accepted_profile(profile(contacts=contacts))
    assert accepted.contacts == ("email:taro@example.jp", "tel:+819012345678")


def test_a_contract_for_ever_is_made_one_that_can_be_reckoned_with_and_stored() -> None:
    contracts = (
        Contract(contract_id="a\0", plan="gold", starts_at=datetime(1, 1, 1), ends_at=None),  # noqa: DTZ001 - as others write it
        Contract(
            contract_id="b", plan="gold", starts_at=NOW, ends_at=datetime(9999, 12, 31, tzinfo=UTC)
        ),
    )
    first, second = accepted_profile(profile(contracts=contracts)).contracts
    assert (first.contract_id, first.starts_at.year, first.ends_at) == ("a", 2000, None)
    assert second.ends_at == datetime(2200, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("reference", ["", "x" * 501])
def test_a_profile_that_cannot_be_found_again_is_poison(reference: str) -> None:
    with pytest.raises(PoisonError, match="bad-reference"):
        accepted_profile(profile(reference))


def test_a_merge_has_its_place_in_time() -> None:
    merged = CustomersMerged(survivor=TARO, absorbed=TARO, contacts=(), cause=TARO, merged_at=NOW)
    unmerged = CustomersUnmerged(
        survivor=TARO, restored=TARO, contacts=(), cause=TARO, unmerged_at=NOW
    )
    assert moved_at(merged) == moved_at(unmerged) == NOW
    with pytest.raises(PoisonError, match="merged_at is not of this age"):
        moved_at(replace(merged, merged_at=datetime(2500, 1, 1, tzinfo=UTC)))


def test_nobody_is_known_before_somebody_tells() -> None:
    assert known_as(TARO, ()) == Customer(customer=TARO)
    assert contracts_of(()) == ()


def test_of_several_profiles_the_newest_that_says_something_counts() -> None:
    crm = profile("crm-1", name="山田 太郎", tier="vip", account=Account("a-1"))
    billing = profile("bill-9", changed_at=NOW + timedelta(1), language="ja", tier="partner")
    known = Customer(
        customer=TARO,
        customer_ref="bill-9",
        name="山田 太郎",
        account="a-1",
        tier="partner",
        language="ja",
    )
    assert known_as(TARO, [crm, billing]) == known_as(TARO, [billing, crm]) == known


def test_a_contract_counts_once_as_the_newest_profile_has_it() -> None:
    def contract(name: str, plan: str) -> Contract:
        return Contract(contract_id=name, plan=plan, starts_at=NOW)

    old = profile("crm-1", contracts=(contract("b", "silver"), contract("a", "silver")))
    new = profile("bill-9", changed_at=NOW + timedelta(1), contracts=(contract("a", "gold"),))
    found = contracts_of([old, new])
    assert [(item.contract_id, item.plan) for item in found] == [("a", "gold"), ("b", "silver")]
