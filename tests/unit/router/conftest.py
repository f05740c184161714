"""A small company's rules, a customer who writes in Japanese, and a case of theirs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from msgspec.structs import replace

from common.core.cases import Decision
from common.core.events import (
    Channel,
    Contract,
    Conversation,
    Direction,
    Message,
    MessageKind,
    Party,
)
from common.core.ids import customer_id, event_id
from router.core.decide import decide
from router.core.facts import Arrival, Case, CaseState, Customer
from router.core.loading import load
from router.core.policy import Policy, compiled

settings.register_profile("unhurried", deadline=None)  # how fast is a matter for the bench
settings.load_profile("unhurried")

ROOT = Path(__file__).parents[3]
TUESDAY = datetime(2026, 11, 24, 2, 40, tzinfo=UTC)  # 11:40 in Tokyo, a working day
TARO = "line:main:U4af4980629"

RULES = """
company: アクメ
language: en
calendars:
  office: {zone: Asia/Tokyo, open: {mon-fri: ["09:00-12:00", "13:00-18:00"]}, holidays: [2026-11-23]}
  night: {zone: Asia/Tokyo, open: {mon-sun: ["00:00-06:00"]}}
  always: {zone: Asia/Tokyo, always: true}
skills: {japanese: speaks it, network: knows routers, billing: knows bills}
plans:
  default: {sentence: everybody, first_response: 8h, resolution: 40h, calendar: office, default: true}
  gold: {sentence: the best, first_response: 1h, resolution: 4h, calendar: always, priority: 20}
  silver: {sentence: good, first_response: 4h, resolution: 24h, calendar: office, priority: 10}
tiers:
  vip: {sentence: dear to us, priority: 30}
queues:
  general: {sentence: anything, calendar: office, when_closed: wait, default: true}
  technical: {sentence: routers, calendar: office, skills: {network: 2}, overflow: [nightshift]}
  nightshift: {sentence: at night, calendar: night}
  billing: {sentence: bills, calendar: office, skills: {billing: 1}, when_closed: wait}
continuity: {reopen_within: 72h}
credit: {per_point: 2m, at_most: 4h}
urgency: {points: 10}
rules:
  - id: outage
    sentence: outages go to the technicians
    when: mentions(["障害", "outage"])
    queue: technical
    skills: {network: 3}
    priority: {points: 25, reason: an outage}
  - id: bills
    sentence: bills go to billing
    when: mentions("請求")
    queue: billing
  - id: japanese
    sentence: Japanese for Japanese
    when: message.language == "ja"
    skills: {japanese: 3}
"""


@pytest.fixture(scope="session")
def policy() -> Policy:
    loaded = load(RULES.encode())
    return compiled(loaded.rules, loaded.version)


@pytest.fixture(scope="session")
def acme() -> Policy:
    """The local stack's rules, with reasons in Japanese."""
    loaded = load((ROOT / "deploy/local/rules.yaml").read_bytes())
    return compiled(loaded.rules, loaded.version)


@pytest.fixture(scope="session")
def ruled() -> Callable[..., Policy]:
    """The small company's rules with something replaced."""

    def build(old: str = "", new: str = "", language: Any = None) -> Policy:
        loaded = load(RULES.replace(old, new, 1).encode())
        return compiled(loaded.rules, loaded.version, language)

    return build


@pytest.fixture(scope="session")
def rules_text() -> str:
    return RULES


@pytest.fixture(scope="session")
def written() -> Callable[..., Arrival]:
    """A message that has arrived."""

    def write(text: str | None = "こんにちは", contact: str = TARO, **fields: Any) -> Arrival:
        message = Message(
            message_id=fields.pop("message_id", "m-1"),
            kind=fields.pop("kind", MessageKind.MESSAGE),
            direction=fields.pop("direction", Direction.INBOUND),
            channel=fields.pop("channel", Channel.LINE),
            provider="line",
            account="main",
            sender=Party(contact, "山田 太郎"),
            conversation=Conversation(fields.pop("conversation", contact)),
            received_at=fields.pop("received_at", TUESDAY),
            text=text,
            **fields,
        )
        event = event_id("line", "main", message.message_id)
        return Arrival(event=event, tenant="acme", contact=contact, message=message)

    return write


@pytest.fixture(scope="session")
def taro() -> Customer:
    return Customer(customer=customer_id("acme", TARO))


@pytest.fixture(scope="session")
def contracted() -> Callable[..., Contract]:
    """A contract in force on the Tuesday."""

    def write(contract_id: str = "K-1", plan: str = "silver", **fields: Any) -> Contract:
        fields.setdefault("starts_at", TUESDAY - timedelta(days=100))
        return Contract(contract_id=contract_id, plan=plan, **fields)

    return write


@pytest.fixture(scope="session")
def waiting() -> Callable[..., Case]:
    """A case of the same conversation, opened an hour before."""

    def write(**fields: Any) -> Case:
        opened = TUESDAY - timedelta(hours=1)
        case = Case(
            case_id=event_id("test", "case", "1"),
            tenant="acme",
            conversation=TARO,
            contact=TARO,
            participants=(TARO,),
            customer=customer_id("acme", TARO),
            channel=Channel.LINE,
            state=CaseState.WAITING,
            queue="billing",
            plan="silver",
            contract="K-1",
            priority=15,
            skills={"billing": 2},
            rank=opened + timedelta(hours=3),
            first_response_due=opened + timedelta(hours=4),
            resolution_due=opened + timedelta(hours=24),
            opened_at=opened,
            decided_by=event_id("test", "message", "1"),
            queued_at=opened,
        )
        return replace(case, **fields)

    return write


@pytest.fixture(scope="session")
def decision_of(taro: Customer) -> Callable[..., Decision]:
    """Decide, with what nobody mentions left at its plainest."""

    def run(arrival: Arrival, policy: Policy, **given: Any) -> Decision:
        outcome = decide(
            arrival,
            given.get("customer", taro),
            given.get("contracts", ()),
            given.get("case"),
            given.get("roster"),
            policy,
            given.get("now", arrival.message.received_at),
        )
        assert isinstance(outcome, Decision)
        return outcome

    return run
