"""Surveys that can be asked and yet are hardly what their author meant."""

from collections.abc import Collection, Iterator

from common.core.surveys import SCALES
from router.core.checking import Complaint
from router.core.rules import Rules, Survey, seconds


def survey_warnings(rules: Rules) -> Iterator[Complaint]:
    """Yield what the surveys themselves show."""
    for index, survey in enumerate(rules.surveys):
        at = ("surveys", index)
        before = next((one for one in rules.surveys[:index] if _covers(one, survey)), None)
        if before:
            reason = f"the survey {before.id} above is asked whenever {survey.id} would be"
            yield Complaint(at, reason)
        if survey.low and survey.low.at_most == SCALES[survey.question][-1]:
            yield Complaint((*at, "low"), f"every answer to {survey.id} is low")
        if survey.text and rules.language not in survey.text:
            reason = (
                f"{survey.id} has no text in {rules.language}, the company's language: ours is used"
            )
            yield Complaint((*at, "text"), reason)
        if seconds(survey.quiet) < seconds(survey.answer_within):
            reason = f"{survey.id} may ask again while the last question can still be answered"
            yield Complaint((*at, "quiet"), reason)


def _covers(one: Survey, other: Survey) -> bool:
    return (
        _all_of(one.queues, other.queues)
        and _all_of(one.plans, other.plans)
        and _all_of(one.channels, other.channels)
    )


def _all_of(named: Collection[str], others: Collection[str]) -> bool:
    """Whether whatever is among the others is among the named; none named is all."""
    return not named or (bool(others) and set(others) <= set(named))
