"""Customers are asked once their case is resolved: in time, in their language, and not too often."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.events import ConsentState, CustomerChanged, MessageRequested
from common.core.surveys import Question, SurveyRequested
from router.core.policy import Policy
from router.edges.ticker import Ticker

Resolved = Callable[..., Awaitable[UUID]]
Rows = Callable[..., Awaitable[list[Any]]]
Write = Callable[..., Any]


async def test_a_resolved_case_is_asked_about_after_the_delay_in_the_conversation(
    stage: Any, resolved: Resolved
) -> None:
    case_id = await resolved()
    assert await stage.ask(minutes=59) == 0

    assert await stage.ask(minutes=1) == 1

    (asked,) = await stage.told("survey.requested")
    (sent,) = await stage.told("message.requested")
    assert isinstance(asked.data, SurveyRequested)
    assert isinstance(sent.data, MessageRequested)
    assert asked.attributes.time == stage.now
    assert (asked.data.case_id, asked.data.question) == (case_id, Question.CSAT5)
    assert asked.data.language == "ja"
    assert sent.data.text == asked.data.text
    assert asked.data.text.startswith("アクメ株式会社です。")
    assert sent.data.request_id == asked.data.request_id
    assert sent.data.conversation is not None
    assert sent.data.conversation.key == sent.data.recipient.contact


async def test_asking_again_finds_nothing_to_ask(stage: Any, resolved: Resolved) -> None:
    await resolved()
    await stage.ask(hours=1)

    assert await stage.ask(hours=1) == 0
    assert len(await stage.told("survey.requested")) == 1


async def test_a_case_that_was_reopened_before_the_delay_is_over_is_not_asked_about(
    stage: Any, resolved: Resolved, rows: Rows
) -> None:
    await stage.reopen(await resolved())

    await stage.ask(hours=2)

    assert await stage.told("survey.requested") == []
    (row,) = await rows("SELECT state, reason FROM survey")
    assert (row.state, row.reason) == ("not_asked", "reopened")


async def test_a_case_that_was_resolved_again_is_asked_about_once(
    stage: Any, resolved: Resolved
) -> None:
    case_id = await resolved()
    await stage.reopen(case_id)
    stage.now += timedelta(minutes=10)
    await stage.resolve(case_id)

    await stage.ask(hours=2)

    assert len(await stage.told("survey.requested")) == 1


async def test_a_customer_is_left_in_peace_whichever_of_his_cases_asks(
    stage: Any, resolved: Resolved, tells: Write
) -> None:
    mail = "email:taro@example.jp"
    profile = CustomerChanged(
        customer_ref="crm-1", contacts=(mail,), changed_at=stage.now, name="山田 太郎"
    )
    await stage.handle(tells(profile))
    await resolved(contact=mail, conversation="a")
    await resolved(contact=mail, conversation="b")
    await stage.ask(hours=1)
    stage.now += timedelta(days=29)
    await resolved(contact=mail, conversation="c")

    await stage.ask(hours=1)
    assert len(await stage.told("survey.requested")) == 1

    stage.now += timedelta(days=2)
    await resolved(contact=mail, conversation="d")
    await stage.ask(hours=1)
    assert len(await stage.told("survey.requested")) == 2


async def test_who_said_stop_is_never_asked_until_he_says_start(
    stage: Any, resolved: Resolved, stops: Write
) -> None:
    await stage.handle(stops())
    await resolved()
    await stage.ask(hours=1)
    assert await stage.told("survey.requested") == []

    await stage.handle(stops(ConsentState.OPTED_IN, days=0.5), stops(days=-2))
    await resolved(name="later")
    await stage.ask(hours=1)
    assert len(await stage.told("survey.requested")) == 1


async def test_only_a_sample_is_asked_and_the_same_whoever_looks(
    stage: Any, resolved: Resolved, rows: Rows, changed: Callable[[str, str], Policy]
) -> None:
    stage.policy = changed("question: csat5\n", "question: csat5\n    share: 0.000001\n")

    await resolved()

    assert await rows("SELECT 1 FROM survey") == []


async def test_where_another_system_asks_no_message_is_requested(
    stage: Any, resolved: Resolved, changed: Callable[[str, str], Policy]
) -> None:
    stage.policy = changed("question: csat5\n", "question: csat5\n    send: false\n")
    await resolved()

    await stage.ask(hours=1)

    (asked,) = await stage.told("survey.requested")
    assert asked.data.request_id is None
    assert await stage.told("message.requested") == []


async def test_a_question_that_comes_days_late_is_not_asked(
    stage: Any, resolved: Resolved, rows: Rows
) -> None:
    await resolved()

    await stage.ask(days=5)

    assert await stage.told("survey.requested") == []
    (row,) = await rows("SELECT reason FROM survey")
    assert row.reason == "too_late"


async def test_the_tickers_of_all_replicas_together_ask_once(
    stage: Any, resolved: Resolved
) -> None:
    await resolved()
    stage.now += timedelta(hours=1)
    told: list[str] = []

    async def settled(_: AsyncConnection) -> None:
        return

    def ticker(name: str) -> Ticker:
        return Ticker(
            stage.writer,
            settled,
            lambda: stage.policy,
            lambda _: None,
            lambda: stage.now,
            lambda: told.append(name),
        )

    await asyncio.gather(*(ticker(name).tick() for name in ("a", "b", "c")))

    assert len(await stage.told("survey.requested")) == 1
    assert len(told) == 1
