"""Whoever belongs to a company has its contracts, by a profile's word or by a mail domain."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from common.core.cases import Decision
from common.core.events import Account, Contract, CustomerChanged
from router.core.acceptance import accepted_profile
from router.core.customers import (
    Company,
    account_told,
    company_domains,
    company_of,
    contracts_of,
    known_as,
)
from router.core.facts import Arrival
from router.core.mail_domains import company_domain, is_public
from router.core.policy import Policy

NOW = datetime(2026, 11, 24, tzinfo=UTC)
GOLD = Contract(contract_id="K-9", plan="gold", starts_at=NOW - timedelta(days=9))
SHOJI = Account("a-1", "アクメ商事", ("shoji.example.jp", "gmail.com"), (GOLD,))


def profile(**fields: Any) -> CustomerChanged:
    return CustomerChanged(
        customer_ref="crm-1", contacts=("email:taro@shoji.example.jp",), changed_at=NOW, **fields
    )


@pytest.mark.parametrize(
    ("contact", "domain"),
    [
        ("email:taro@shoji.example.jp", "shoji.example.jp"),
        ("email:taro@gmail.com", None),
        ("email:taro@t.vodafone.ne.jp", None),
        ("email:taro", None),
        ("line:main:U1", None),
    ],
)
def test_a_mail_domain_shows_a_company_unless_anybody_can_have_an_address_there(
    contact: str, domain: str | None
) -> None:
    assert company_domain(contact) == domain


def test_domains_of_public_providers_never_count() -> None:
    assert company_domains(SHOJI) == ("shoji.example.jp",)
    assert is_public("docomo.ne.jp")


def test_a_profile_s_word_goes_before_the_domain_and_the_account_told_last_counts() -> None:
    company = Company(SHOJI, NOW)
    later = Company(Account("a-2", domains=SHOJI.domains), NOW + timedelta(days=1))
    mail = ["email:taro@shoji.example.jp", "line:main:U1"]

    assert company_of([], mail, [company]) == SHOJI
    assert company_of([], mail, [company, later]) == later.account
    assert company_of([profile(account=Account("a-1"))], mail, [company, later]) == SHOJI
    assert company_of([profile(account=Account("a-7"))], mail, [company]) == Account("a-7")
    assert company_of([profile()], ["email:taro@gmail.com"], [company]) is None


def test_a_profile_that_only_names_its_account_tells_nothing_of_it() -> None:
    assert account_told(profile(account=Account("a-1", "アクメ商事"))) is None
    assert account_told(profile(account=SHOJI)) == Company(SHOJI, NOW)


def test_own_contracts_go_before_the_company_s_of_the_same_id() -> None:
    own = Contract(contract_id="K-9", plan="silver", starts_at=NOW)
    shared = Contract(contract_id="K-8", plan="silver", starts_at=NOW)
    company = Account("a-1", contracts=(GOLD, shared))
    profiles = [profile(contracts=(own,))]

    assert contracts_of(profiles, company) == (shared, own)
    assert known_as(UUID(int=1), profiles, company).shared == ("K-8",)


def test_the_decision_says_that_a_contract_is_the_company_s(
    written: Callable[..., Arrival], policy: Policy, decision_of: Callable[..., Decision]
) -> None:
    profiles = [profile(account=SHOJI)]
    customer = known_as(UUID(int=1), profiles)
    decision = decision_of(written(), policy, customer=customer, contracts=contracts_of(profiles))
    (trial,) = decision.contracts
    assert decision.plan == "gold"
    assert trial.reason == "the account's: in force and covers the message: plan gold"


def test_what_cannot_be_a_domain_or_an_account_is_left_out() -> None:
    odd = Account("a-1", domains=("@Shoji.Example.JP.", "local", "x\0.jp", "a." + "b" * 300))
    kept = accepted_profile(profile(account=odd)).account
    assert kept == Account("a-1", domains=("shoji.example.jp",))
    assert accepted_profile(profile(account=Account(""))).account is None
