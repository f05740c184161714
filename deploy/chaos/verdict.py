"""Compares what was acknowledged with what the timeline shows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from typing_extensions import override


@dataclass(frozen=True)
class Verdict:
    """How many messages were acknowledged, and how many of them are not as they should be."""

    acknowledged: int
    lost: int
    twice: int
    out_of_order: int
    never_acknowledged: int
    undecided: int

    @property
    def is_exact(self) -> bool:
        """Whether the timeline is what was acknowledged, no more and no less, decided once each."""
        faults = (self.lost, self.twice, self.out_of_order, self.never_acknowledged, self.undecided)
        return not any(faults)

    @property
    def complaints(self) -> list[str]:
        """Return what was not as promised: one sentence, or none."""
        return [] if self.is_exact else [f"the timeline is not exact: {self}"]

    @override
    def __str__(self) -> str:
        return (
            f"{self.acknowledged} acknowledged: {self.lost} lost, {self.twice} twice, "
            f"{self.out_of_order} out of order, {self.never_acknowledged} never acknowledged, "
            f"{self.undecided} without exactly one decision"
        )


def judge(
    acknowledged: Mapping[str, Sequence[int]],
    shown: Mapping[str, Sequence[int]],
    decisions: Mapping[str, int],
) -> Verdict:
    """Compare, contact by contact, message numbers in order; `decisions` counts them."""
    lost = twice = disordered = extra = undecided = 0
    for contact, wanted in acknowledged.items():
        seen = shown.get(contact, ())
        counts = Counter(seen)
        lost += sum(number not in counts for number in wanted)
        twice += sum(count - 1 for count in counts.values())
        extra += sum(number not in set(wanted) for number in counts)
        disordered += sum(later < earlier for earlier, later in pairwise(seen))
        undecided += abs(decisions.get(contact, 0) - len(wanted))
    total = sum(map(len, acknowledged.values()))
    return Verdict(total, lost, twice, disordered, extra, undecided)
