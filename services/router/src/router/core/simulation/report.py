"""What a simulation answers, whole: the document that `simulate --json` writes."""

from datetime import datetime

from msgspec import Struct

from router.core.simulation.comparing import Differences
from router.core.simulation.figures import Figures
from router.core.simulation.staffing import Staffing


class Asked(Struct, frozen=True, kw_only=True):
    """The question: which rules, over which time, from recorded history or a load file.

    `current` is what `candidate` is compared with, if anything. `seed` is what generated load was
    drawn by; the same seed draws the same customers.
    """

    candidate: str
    start: datetime
    end: datetime
    current: str | None = None
    load: str | None = None
    seed: int | None = None


class Report(Struct, frozen=True, kw_only=True):
    """The whole answer. `notes` say what the data could not tell, for people."""

    asked: Asked
    candidate: Figures
    current: Figures | None = None
    differences: Differences | None = None
    staffing: tuple[Staffing, ...] = ()
    notes: tuple[str, ...] = ()
