"""Nobody works on public holidays, unless the company says otherwise."""

from datetime import date

import pytest

from router.core.calendars import closed_days
from router.core.loading import RulesError, load
from router.core.rules import Holidays


@pytest.mark.parametrize(
    ("day", "closed"),
    [
        (date(2026, 11, 23), True),  # 勤労感謝の日
        (date(2026, 9, 22), True),  # a day between two holidays is one
        (date(2026, 11, 24), False),
        (date(2026, 12, 30), True),  # every year
        (date(2027, 12, 30), True),
        (date(2026, 6, 1), True),  # the company's own
        (date(2026, 11, 3), False),  # the company works
    ],
)
def test_a_calendar_knows_its_country_s_holidays_and_its_own(day: date, *, closed: bool) -> None:
    holidays = Holidays(
        country="JP",
        dates=(date(2026, 6, 1),),
        yearly=("12-30",),
        working=(date(2026, 11, 3),),
    )
    assert closed_days(holidays)(day) is closed


def test_days_alone_are_holidays_too() -> None:
    assert closed_days((date(2026, 1, 2),))(date(2026, 1, 2))
    assert not closed_days(Holidays(yearly=("01-02",)))(date(2026, 1, 3))


@pytest.mark.parametrize("where", ["{country: XX}", "{country: JP, subdivision: Tokio}"])
def test_an_unknown_country_or_part_of_it_is_refused_with_its_line(
    rules_text: str, where: str
) -> None:
    wrong = rules_text.replace("holidays: [2026-11-23]", f"holidays: {where}")
    with pytest.raises(RulesError, match="no public holidays are known of"):
        load(wrong.encode())
