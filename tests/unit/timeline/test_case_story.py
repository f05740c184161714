"""A case's story: where it is, its clocks, who had it, in whatever order its events came."""

from collections.abc import Iterable

from tests.unit.timeline.figures_telling import Case, observed, told_story
from tests.unit.timeline.telling import HANAKO_LINE, TENANT, after, event

from common.core.cloudevents import Event
from common.core.events import Channel
from common.core.ids import derived_id
from common.core.surveys import Question, SurveyAnswered
from common.core.work import SlaAtRisk, Target
from timeline.core.case_story import CaseStory, Clock
from timeline.core.figures_facts import Fact, fact_of, united
from timeline.core.figures_observations import agents_of
from timeline.core.figures_steps import CaseState


def facts(events: Iterable[Event]) -> tuple[Fact, ...]:
    told = [fact_of(event, HANAKO_LINE) for event in events]
    return united((), (one[1] for one in told if one))


def story(case: Case) -> CaseStory:
    return told_story(case.id, facts(reversed(case.told)))


def test_an_open_case_shows_its_clocks_and_who_has_it() -> None:
    case = Case().opened(0, queue="返品").taken(2, "sato").clock(SlaAtRisk, Target.RESOLUTION, 3)
    shown = story(case)
    assert (shown.state, shown.queue, shown.plan, shown.contract) == (
        CaseState.OPEN, "返品", "standard", "K-1",
    )  # fmt: skip
    assert (shown.agent, shown.channel, shown.subject) == ("sato", "line", "返品について")
    assert shown.first_response == Clock(after(60), None)
    assert shown.resolution == Clock(after(600), None)
    assert (shown.opened_at, shown.last_at) == (after(0), after(3))
    assert shown.opened_event == case.told[0].attributes.id


def test_an_answer_stops_the_first_clock_and_a_reopening_by_the_customer_starts_it_anew() -> None:
    case = Case().opened(0).answered(5, first=True, in_time=True).resolved(9)
    shown = story(case)
    assert (shown.first_response.kept, shown.resolution.kept) == (True, True)
    assert (shown.first_answered_at, shown.resolved_at) == (after(5), after(9))
    assert shown.resolved_event == case.told[-1].attributes.id
    shown = story(case.reopened(20))
    assert (shown.first_response.kept, shown.resolution.kept) == (None, None)
    assert (shown.state, shown.reopened, shown.resolved_at) == (CaseState.OPEN, 1, None)


def test_whom_we_reopen_for_was_answered_before() -> None:
    case = (
        Case().opened(0).answered(5, first=True, in_time=False).resolved(9).reopened(20, "suzuki")
    )
    shown = story(case)
    assert (shown.first_response.kept, shown.resolution.kept) == (False, None)


def test_a_broken_promise_stays_broken_though_the_answer_is_told_first() -> None:
    case = Case().opened(0).answered(5, first=True, in_time=True)
    assert story(case.breached(Target.FIRST_RESPONSE, 4)).first_response.kept is False


def test_a_held_case_waits_for_the_customer_and_goes_on_when_he_writes() -> None:
    case = Case().opened(0).taken(1).held(5, after(90))
    assert (story(case).state, story(case).agent) == (CaseState.HELD, None)
    assert story(case.routed(7)).state is CaseState.OPEN


def test_the_clock_that_stands_is_shown_until_it_runs_again() -> None:
    case = Case().opened(0).answered(5, resolution_paused_at=after(5))
    assert story(case).paused_at == after(5)
    assert story(case.routed(9)).paused_at is None


def test_who_had_to_do_with_it_is_named_the_last_one_first() -> None:
    case = Case().opened(0).taken(1, "sato").requeued(3, "billing", "sato").taken(4, "tanaka")
    case.answered(6, "tanaka").requeued(7, "returns").taken(8, "sato").resolved(9, None)
    shown = story(case)
    assert [(one.agent, one.at) for one in shown.agents] == [
        ("sato", after(8)), ("tanaka", after(6)),
    ]  # fmt: skip
    assert shown.queue == "returns"
    assert agents_of(facts(case.told)) == {"sato", "tanaka"}


def test_ratings_stand_in_their_order_with_what_they_were_asked() -> None:
    case = (
        Case().opened(0).resolved(5).surveyed(5).rated(9, 2).rated(8, 4).surveyed(6, Question.NPS)
    )
    assert [(one.question, one.score, one.at) for one in story(case).ratings] == [
        ("csat5", 4, after(8)), ("csat5", 2, after(9)),
    ]  # fmt: skip


def unasked(score: int | None, question: Question = Question.CSAT5) -> Event:
    """Return an answer that is about no case we know of."""
    data = SurveyAnswered(
        answer_event=derived_id("answer", str(score)),
        contact=HANAKO_LINE,
        question=question,
        answered_at=after(3),
        score=score,
        channel="web",
    )
    return event(data, HANAKO_LINE, after(3))


def test_a_rating_without_a_case_counts_by_itself() -> None:
    told = unasked(4)
    found = fact_of(told, HANAKO_LINE)
    assert found is not None
    key, fact = found
    assert key == (TENANT, derived_id("answer", "4"))
    [seen] = observed([fact])
    assert (seen.measure, seen.channel, seen.agent, seen.value) == ("csat5", "web", "", 4)
    assert told_story(key[1], [fact]).state is CaseState.RESOLVED


def test_scores_that_are_on_no_scale_count_nothing() -> None:
    for told in (unasked(6), unasked(None), unasked(1 << 70), unasked(None, Question.TEXT)):
        assert observed(facts([told])) == ()


def test_a_case_without_versions_is_put_in_order_by_time() -> None:
    case = Case().opened(0).resolved(5).reopened(8)
    missing = [told for told in case.told if not getattr(told.data, "decision", None)]
    assert told_story(case.id, facts(reversed(missing))).state is CaseState.OPEN


def test_what_is_known_of_a_case_without_its_beginning_is_counted_without_it() -> None:
    case = Case().opened(0, Channel.EMAIL).taken(1).resolved(5)
    late = facts(case.told[2:])
    shown = told_story(case.id, late)
    assert (shown.channel, shown.opened_at, shown.contact) == (None, None, HANAKO_LINE)
    measures = {seen.measure for seen in observed(late)}
    assert measures == {"resolution", "resolution_kept"}


def test_a_resolution_that_nothing_ended_before_is_not_undone() -> None:
    case = Case().opened(0).resolved(5).reopened(8, "suzuki").reopened(9, "suzuki")
    measures = [seen.measure for seen in observed(facts(case.told))]
    assert measures.count("undone") == measures.count("reopened") == 1


def test_clocks_that_disagree_make_no_negative_time() -> None:
    case = Case().opened(0).answered(-5)
    seen = {one.measure: one.value for one in observed(facts(case.told))}
    assert seen["first_response"] == 0
