"""Contract: which of a customer's contracts counts for a message, and what it promises by when."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from common.core.cases import ContractTrial
from common.core.events import Contract, ContractState, Message
from router.core.calendars import BusinessHours
from router.core.wording import Wording


class PromisedTarget(Struct, frozen=True):
    """Seconds of open time for cases of at least so many points."""

    priority_at_least: int
    first_response: int
    resolution: int


class Promise(Struct, frozen=True):
    """A plan made ready: seconds of open time until a first response and until a resolution.

    `targets` are for cases of more priority, the most points first. At the share `at_risk` of
    either, or `at_risk_before` seconds before its end, somebody is told that it is in danger. With
    `pause_while_waiting` the resolution's clock stands while the customer has to answer.
    """

    plan: str
    first_response: int
    resolution: int
    hours: BusinessHours
    priority: int
    at_risk: float = 0.8
    pause_while_waiting: bool = False
    targets: tuple[PromisedTarget, ...] = ()
    at_risk_before: int | None = None

    def lengths(self, priority: int | None) -> tuple[int, int]:
        """Return the seconds until a first response and a resolution for a case of this priority."""
        if priority is not None:
            for target in self.targets:
                if priority >= target.priority_at_least:
                    return target.first_response, target.resolution
        return self.first_response, self.resolution

    def due(self, since: datetime, priority: int | None = None) -> tuple[datetime, datetime]:
        """Return when a first response and a resolution are due for a message of this time."""
        first_response, resolution = self.lengths(priority)
        return self.hours.add(since, first_response), self.hours.add(since, resolution)

    def spare(self, length: int) -> float:
        """Return how many open seconds before its end a promise of this length is at risk."""
        if self.at_risk_before is not None:
            return min(self.at_risk_before, length)
        return length * (1 - self.at_risk)


class Entitlement(Struct, frozen=True, kw_only=True):
    """What the message is entitled to, and what became of each contract."""

    plan: str
    contract: str | None
    first_response_due: datetime
    resolution_due: datetime
    skills: dict[str, int] = {}
    trials: tuple[ContractTrial, ...] = ()


def entitle(
    contracts: Sequence[Contract],
    message: Message,
    promises: Mapping[str, Promise],
    default: Promise,
    say: Wording,
    shared: Collection[str] = (),
    priority: int | None = None,
) -> Entitlement:
    """Return the best that the contracts promise: the earliest first response, then resolution.

    The message's time is when we received it; the sender cannot choose that. A contract limited
    to products covers a message that names none. Without a contract the default plan counts.
    Of `shared`, which are the account's, the decision says so. What plans promise to cases of more
    `priority` counts where that is known.
    """
    since = message.received_at
    refusals = {
        contract.contract_id: _refusal(contract, message, promises, default, say)
        for contract in contracts
    }
    offers = [
        (promises[contract.plan].due(since, priority), contract.contract_id, contract)
        for contract in contracts
        if refusals[contract.contract_id] is None
    ]
    if not offers:
        first_response, resolution = default.due(since, priority)
        best = None
    else:
        (first_response, resolution), _, best = min(offers, key=lambda offer: offer[:2])
    return Entitlement(
        plan=best.plan if best else default.plan,
        contract=best.contract_id if best else None,
        first_response_due=first_response,
        resolution_due=resolution,
        skills=best.skills if best else {},
        trials=tuple(
            _whose(_trial(contract, best, refusals[contract.contract_id], say), shared, say)
            for contract in contracts
        ),
    )


def _whose(trial: ContractTrial, shared: Collection[str], say: Wording) -> ContractTrial:
    if trial.contract not in shared:
        return trial
    return replace(trial, reason=say.contract_shared.format(reason=trial.reason))


def _trial(
    contract: Contract, best: Contract | None, refusal: str | None, say: Wording
) -> ContractTrial:
    if refusal is not None:
        return ContractTrial(contract.contract_id, accepted=False, reason=refusal)
    if contract is best:
        reason = say.contract_counts.format(plan=contract.plan)
        return ContractTrial(contract.contract_id, accepted=True, reason=reason)
    assert best is not None  # noqa: S101 - a contract that is not refused is an offer
    reason = say.contract_beaten.format(contract=best.contract_id, plan=best.plan)
    return ContractTrial(contract.contract_id, accepted=False, reason=reason)


def _refusal(
    contract: Contract,
    message: Message,
    promises: Mapping[str, Promise],
    default: Promise,
    say: Wording,
) -> str | None:
    """Return why a contract does not count for a message, None where it does."""
    return (
        _not_in_force(contract, message.received_at, default.hours, say)
        or _not_covering(contract, message, say)
        or (None if contract.plan in promises else say.contract_plan.format(plan=contract.plan))
    )


def _not_in_force(
    contract: Contract, at: datetime, hours: BusinessHours, say: Wording
) -> str | None:
    if contract.state is ContractState.SUSPENDED:
        return say.contract_suspended
    if contract.state is ContractState.CANCELLED:
        return say.contract_cancelled
    if at < contract.starts_at:
        return say.contract_future.format(date=hours.local(contract.starts_at))
    if contract.ends_at is not None and contract.ends_at <= at:
        return say.contract_expired.format(date=hours.local(contract.ends_at))
    return None


def _not_covering(contract: Contract, message: Message, say: Wording) -> str | None:
    product = message.attributes.get("product")
    if contract.channels and message.channel not in contract.channels:
        return say.contract_channel.format(channel=message.channel)
    if contract.products and product and product not in contract.products:
        return say.contract_product.format(product=product)
    return None
