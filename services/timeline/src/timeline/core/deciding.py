"""What a person's decision says of each two contacts."""

from collections.abc import Iterable, Iterator
from itertools import pairwise, product

from common.core.identity_events import DecisionKind
from timeline.core.evidence import Said, Verdict
from timeline.core.identity import Decision


def verdicts_of(decision: Decision) -> Iterator[Verdict]:
    """Return what a decision says; of two customers every pair of their contacts."""
    data = decision.data
    across = list(product(data.contacts, data.others))
    match data.kind:
        case DecisionKind.TOGETHER | DecisionKind.ACCEPT:
            yield from _all(decision, across, Said.OPEN)
            yield from _all(decision, pairwise(data.contacts + data.others), Said.TOGETHER)
        case DecisionKind.APART:
            yield from _all(decision, across, Said.APART)
        case DecisionKind.UNMERGE:
            yield from _all(decision, across, Said.APART)
            yield from _all(decision, product(data.contacts + data.others, data.beyond), Said.APART)
            yield from _all(decision, pairwise(data.contacts), Said.TOGETHER)
            yield from _all(decision, pairwise(data.others), Said.TOGETHER)
        case DecisionKind.OPEN:
            yield from _all(decision, across, Said.OPEN)
        case _:
            pass


def _all(decision: Decision, pairs: Iterable[tuple[str, str]], said: Said) -> Iterator[Verdict]:
    data = decision.data
    for pair in pairs:
        one, other = sorted(pair)
        if one != other:
            yield Verdict(data.decided_at, decision.decision_id, one, other, said, data.person)
