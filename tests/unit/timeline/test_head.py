"""A customer at a glance: made of sets, each figure with the events behind it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, strategies as st
from tests.unit.timeline.figures_telling import Case, told_story
from tests.unit.timeline.telling import HANAKO_LINE, START, after

from common.core.events import Contract, ContractState
from common.core.ids import derived_id
from common.core.surveys import Question
from common.core.work import SlaAtRisk, Target
from timeline.core.case_story import CaseStory, Rating
from timeline.core.customers import ContactLine, CustomerView
from timeline.core.figures_facts import Fact, fact_of
from timeline.core.head import DEFINITIONS, Head, Known, head_of
from timeline.core.head_clocks import ClockState
from timeline.core.head_signals import SignalKind, Wrote, negative_words
from timeline.core.head_trends import Direction, csat_of, nps_of

DAY = 24 * 60


def facts_of(case: Case) -> tuple[Fact, ...]:
    told = (fact_of(event, case.contact) for event in case.told)
    return tuple(fact for _, fact in filter(None, told))


def customer(language: str | None = None, contracts: tuple[Contract, ...] = ()) -> CustomerView:
    return CustomerView(
        id=UUID(int=1),
        created_at=START,
        name="鈴木 花子",
        tier=None,
        language=language,
        account=None,
        contracts=contracts,
        contacts=(ContactLine(HANAKO_LINE, START, shared=False),),
        profiles=(),
        merged=(),
    )


def wrote(
    minutes: float,
    text: str = "こんにちは",
    channel: str | None = "line",
    language: str | None = "ja",
) -> Wrote:
    return Wrote(
        event=derived_id("wrote", str(minutes)),
        at=after(minutes),
        channel=channel,
        language=language,
        negative=negative_words(text),
    )


def head(
    cases: Sequence[Case] = (), messages: Sequence[Wrote] = (), minutes: float = 60, **known: Any
) -> Head:
    given_ = Known(
        customer=known.pop("who", customer()),
        cases=[told_story(case.id, facts_of(case)) for case in cases],
        facts={case.id: facts_of(case) for case in cases},
        messages=messages,
    )
    return head_of(given_, after(minutes))


def answers(*scores: int, question: Question = Question.CSAT5) -> list[tuple[UUID, Rating]]:
    """Return answers to different cases, an hour between each two."""
    return [
        (derived_id("case", str(number)), _rating(number, score, question))
        for number, score in enumerate(scores)
    ]


def _rating(number: int, score: int | None, question: str) -> Rating:
    return Rating(
        event=derived_id("rating", str(number), question),
        at=after(60 * number),
        question=question,
        score=score,
        channel="line",
        agent=None,
    )


def test_open_cases_are_shown_with_their_clocks_what_is_due_first_first() -> None:
    late, soon = Case("late").opened(10), Case("soon").opened(0)
    done = Case("done").opened(0).resolved(5)

    shown = head([late, soon, done], minutes=30).open_cases

    assert [case.case_id for case in shown] == [soon.id, late.id]
    assert shown[0].first_response.due == after(60)
    assert shown[0].first_response.state is ClockState.RUNNING
    assert shown[0].subject == "返品について"
    assert set(shown[0].events) <= {event.attributes.id for event in soon.told}


@pytest.mark.parametrize(
    ("case", "minutes", "state"),
    [
        (Case().opened(0), 30, ClockState.RUNNING),
        (Case().opened(0), 600, ClockState.BREACHED),
        (Case().opened(0).clock(SlaAtRisk, Target.RESOLUTION, 600), 30, ClockState.AT_RISK),
        # that was of a promise that has been put off since
        (Case().opened(0).clock(SlaAtRisk, Target.RESOLUTION, 500), 30, ClockState.RUNNING),
        (Case().opened(0).breached(Target.RESOLUTION, 600), 601, ClockState.BREACHED),
        (
            Case().opened(0).answered(5, first=True, resolution_paused_at=after(5)),
            700,
            ClockState.PAUSED,
        ),
    ],
)
def test_a_clock_says_how_the_promise_stands(case: Case, minutes: float, state: ClockState) -> None:
    (shown,) = head([case], minutes=minutes).open_cases

    assert shown.resolution.state is state


def test_a_first_response_that_was_in_time_is_kept_and_one_without_a_time_unknown() -> None:
    kept = Case("kept").opened(0).answered(5, first=True, in_time=True)
    unknown = Case("unknown").requeued(3, "returns")

    shown = {case.case_id: case for case in head([kept, unknown]).open_cases}

    assert shown[kept.id].first_response.state is ClockState.KEPT
    assert shown[unknown.id].resolution.state is ClockState.UNKNOWN


def test_the_last_agents_are_those_who_had_to_do_with_him_last() -> None:
    first = Case("1").opened(0).taken(1, "sato").resolved(9, "sato")
    second = Case("2").opened(10).taken(11, "tanaka").answered(12, "ito").answered(13, "abe")
    third = Case("3").opened(20).taken(21, "tanaka")

    found = head([third, first, second]).last_agents

    assert [one.agent for one in found] == ["tanaka", "abe", "ito"]
    assert found[0].case_id == third.id


def test_channel_and_language_are_those_of_most_of_the_newest_messages() -> None:
    messages = [
        wrote(1, channel="email", language="en"),
        wrote(2, channel="line"),
        wrote(3, channel="line", language=None),
        wrote(4, channel=None),
    ]

    found = head(messages=messages)

    assert found.channel is not None
    assert (found.channel.value, found.channel.share) == ("line", 0.667)
    assert len(found.channel.events) == 3
    assert found.language is not None
    assert (found.language.value, found.language.share) == ("ja", 0.667)


def test_what_a_profile_says_of_the_language_comes_before_messages() -> None:
    found = head(messages=[wrote(1)], who=customer("en"))

    assert found.language is not None
    assert (found.language.value, found.language.events) == ("en", ())


def test_who_wrote_nothing_lately_prefers_nothing() -> None:
    found = head(messages=[wrote(1)], minutes=366 * DAY)

    assert (found.channel, found.language, found.csat, found.nps, found.signals) == (
        *(None, None, None, None),
        (),
    )


def test_contracts_in_force_are_told_apart() -> None:
    begun = Contract(contract_id="K-1", plan="gold", starts_at=after(-1))
    contracts = (
        begun,
        Contract(contract_id="K-2", plan="gold", starts_at=after(61)),
        Contract(contract_id="K-3", plan="gold", starts_at=after(-2), ends_at=after(60)),
        Contract(
            contract_id="K-4", plan="gold", starts_at=after(-2), state=ContractState.CANCELLED
        ),
    )

    assert head(who=customer(contracts=contracts)).contracts == (begun,)


@pytest.mark.parametrize(
    ("scores", "recent", "before", "direction"),
    [
        ((4,), 0.75, None, None),
        ((5, 5, 1, 1), 0.0, 1.0, Direction.DOWN),
        ((2, 4), 0.75, 0.25, Direction.UP),
        ((4, 4, 4), 0.75, 0.75, Direction.FLAT),
    ],
)
def test_satisfaction_has_a_direction(
    scores: tuple[int, ...], recent: float, before: float | None, direction: Direction | None
) -> None:
    trend = csat_of(answers(*scores))

    assert trend is not None
    assert (trend.recent, trend.before, trend.direction) == (recent, before, direction)
    assert (trend.score, trend.answers) == (scores[-1], len(scores))


def test_both_forms_of_satisfaction_count_together_and_recommendation_apart() -> None:
    mixed = [
        *answers(5),
        (UUID(int=3), _rating(3, -1, Question.CSAT3)),
        (UUID(int=4), _rating(4, 8, Question.NPS)),
        (UUID(int=5), _rating(5, 99, Question.NPS)),
        (UUID(int=6), _rating(6, None, "text")),
        (UUID(int=7), _rating(7, 3, "stars")),
    ]
    csat, nps = csat_of(mixed), nps_of(mixed)

    assert csat is not None
    assert (csat.answers, csat.direction) == (2, Direction.DOWN)
    assert nps is not None
    assert (nps.score, nps.answers) == (8, 1)


def test_who_changes_his_mind_counts_once() -> None:
    case = UUID(int=1)
    trend = csat_of([(case, _rating(1, 1, "csat5")), (case, _rating(2, 5, "csat5"))])

    assert trend is not None
    assert (trend.score, trend.answers) == (5, 1)


def test_falling_satisfaction_is_a_sign() -> None:
    cases = [
        Case(str(number)).opened(number).resolved(number + 1).rated(number + 2, score)
        for number, score in enumerate((5, 5, 2, 1))
    ]

    (sign,) = head(cases).signals

    assert sign.kind is SignalKind.FALLING_SATISFACTION
    assert len(sign.events) == 4


def test_three_angry_messages_in_a_row_are_a_sign_and_two_are_none() -> None:
    angry = [wrote(2, "最悪です"), wrote(3, "何度も言いました"), wrote(4, "Unacceptable!")]

    (sign,) = head(messages=[wrote(1), *angry]).signals

    assert sign.kind is SignalKind.NEGATIVE_RUN
    assert sign.since == after(2)
    assert sign.events == tuple(message.event for message in reversed(angry))
    assert set(sign.words) == {"最悪", "何度も", "unacceptable"}
    assert head(messages=angry[:2]).signals == ()
    assert head(messages=[*angry, wrote(5)]).signals == ()


@pytest.mark.parametrize(("days", "silent"), [(13, False), (14, True), (364, True), (366, False)])
def test_silence_after_a_complaint_is_a_sign_for_a_while(days: int, silent: bool) -> None:  # noqa: FBT001 - a parameter of the test
    found = head(messages=[wrote(0, "もう解約します")], minutes=days * DAY).signals

    assert [sign.kind for sign in found] == ([SignalKind.SILENCE_AFTER_COMPLAINT] if silent else [])


def test_silence_after_a_low_answer_is_a_sign_and_after_a_good_one_none() -> None:
    low = Case("low").opened(0).resolved(1).rated(2, 2)
    good = Case("good").opened(3).resolved(4).rated(5, 4)

    assert [one.kind for one in head([low], minutes=20 * DAY).signals] == [
        SignalKind.SILENCE_AFTER_COMPLAINT
    ]
    kinds = [one.kind for one in head([low, good], [wrote(0, "最悪")], minutes=20 * DAY).signals]
    assert kinds == []


def test_words_are_found_in_any_width_and_case() -> None:
    assert negative_words("ｸﾚｰﾑです。TERRIBLE") == ("クレーム", "terrible")
    assert negative_words("ありがとうございました") == ()


def test_every_figure_has_its_definition() -> None:
    named = set(Head.__struct_fields__) | set(SignalKind)

    assert set(DEFINITIONS) == named - {"customer", "computed_at", "signals", "definitions"}


STEPS = st.lists(
    st.sampled_from(["taken", "answered", "resolved", "reopened", "held", "rated", "breached"]),
    max_size=8,
)


@given(data=st.data(), lives=st.lists(STEPS, min_size=1, max_size=3))
def test_any_order_and_repetition_gives_the_same_head(
    data: st.DataObject, lives: list[list[str]]
) -> None:
    cases = [_lived(str(number), steps) for number, steps in enumerate(lives)]
    messages = [wrote(number, text) for number, text in enumerate(("最悪", "はい", "返金"))]
    expected = head(cases, messages)

    def shuffled(things: Sequence[Any]) -> list[Any]:
        repeated = [
            *things,
            *data.draw(st.lists(st.sampled_from(things)) if things else st.just([])),
        ]
        return data.draw(st.permutations(repeated))

    facts = {
        case.id: tuple({one.event: one for one in shuffled(facts_of(case))}.values())
        for case in cases
    }
    stories: list[CaseStory] = shuffled([told_story(case.id, facts[case.id]) for case in cases])
    once = {story.case_id: story for story in stories}
    known = Known(
        customer=customer(),
        cases=data.draw(st.permutations(list(once.values()))),
        facts=facts,
        messages=shuffled(messages),
    )

    assert head_of(known, after(60)) == expected


def _lived(name: str, steps: Sequence[str]) -> Case:
    case = Case(name).opened(0)
    for minutes, step in enumerate(steps, 1):
        if step == "rated":
            case.rated(minutes, minutes % 5 + 1)
        elif step == "breached":
            case.breached(Target.RESOLUTION, minutes)
        else:
            getattr(case, step)(minutes)
    return case
