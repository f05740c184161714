"""Whatever is not as promised ends a rehearsal as a failure."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from local_stack.report import Report
from local_stack.throwaway import rehearse


@dataclass(frozen=True)
class Found:
    complaints: Sequence[str]


@pytest.mark.parametrize(("complaints", "code"), [([], 0), (["届いた 1 通が失われた"], 1)])
def test_a_rehearsal_fails_if_anything_is_not_as_promised(
    complaints: Sequence[str], code: int
) -> None:
    shown: list[Found] = []

    def run(home: Path, _: Report) -> Found:
        home.rmdir()  # its own, and empty
        return Found(complaints)

    with pytest.raises(SystemExit) as ending:
        rehearse("test", run, lambda found, _: shown.append(found))
    assert ending.value.code == code
    assert shown == [Found(complaints)]
