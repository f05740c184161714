"""How many decisions one core makes with 200 rules, every reason kept."""

from collections.abc import Iterator
from time import process_time

import msgspec

from bench.figures import Figure
from bench.traffic import messages
from common.core.cloudevents import read
from common.core.events import Contract, Message
from common.core.ids import customer_id
from local_stack.layout import ROOT
from router.core.decide import decide
from router.core.facts import Arrival, Customer
from router.core.loading import load
from router.core.policy import Policy, compiled
from router.core.rules import PriorityEffect, Rule

RULES = 200
MESSAGES = 5_000
ROUNDS = 3


def decide_messages_per_s(rules: int = RULES) -> Figure:
    """Measure; the limit is the same with no rules at all. CPU time, the best of a few rounds."""
    with_rules, without = policy_of(rules), policy_of(0)
    limit = "the same without rules"
    return Figure("decide_messages_per_s", _rate(with_rules), "messages/s", _rate(without), limit)


def policy_of(count: int) -> Policy:
    """Return the local stack's rules, filled up to so many with others of the same kinds."""
    loaded = load((ROOT / "deploy" / "local" / "rules.yaml").read_bytes())
    more = (*loaded.rules.rules, *_more(count))[:count]
    return compiled(msgspec.structs.replace(loaded.rules, rules=more), loaded.version)


def arrivals(count: int) -> Iterator[Arrival]:
    """Return ordinary messages that have arrived."""
    for item in messages(count):
        event = read(item.headers, item.value)
        if isinstance(event.data, Message):
            attributes = event.attributes
            yield Arrival(
                event=attributes.id,
                tenant=attributes.tenant,
                contact=attributes.subject,
                message=event.data,
            )


def _more(count: int) -> Iterator[Rule]:
    """Yield rules as a company has them: by product, by campaign, by channel, by customer."""
    for number in range(count):
        when = (
            f'mentions(["製品{number}", "キャンペーン{number}", "型番{number:04}"])',
            (f'customer.tier == "tier{number}"', f'mentions("案件{number}")'),
            ('message.channel == "email"', f'message.subject.startsWith("[{number}]")'),
            f'"product" in message.attributes && message.attributes["product"] == "P{number}"',
            f'message.account == "shop{number}" && message.language == "ja"',
        )[number % 5]
        effect = PriorityEffect(number % 7, "more")
        yield Rule(
            id=f"more-{number}",
            sentence=f"ルール {number}",
            when=when,
            queue="technical",
            priority=effect,
        )


def _rate(policy: Policy) -> float:
    written = list(arrivals(MESSAGES))
    return max(_round(policy, written) for _ in range(ROUNDS))


def _round(policy: Policy, written: list[Arrival]) -> float:
    began = process_time()
    for arrival in written:
        customer = Customer(customer=customer_id(arrival.tenant, arrival.contact))
        contracts: tuple[Contract, ...] = ()
        now = arrival.message.received_at
        decide(arrival, customer, contracts, None, None, policy, now)
    return len(written) / (process_time() - began)
