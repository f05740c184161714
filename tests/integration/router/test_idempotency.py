"""A key and its effect are one transaction: never one without the other, never two effects."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import HTTPException
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from starlette.responses import Response

from common.edges.idempotency import Answer, Asked, IdempotencySweep, once

Rows = Callable[..., Awaitable[list[Any]]]

NOW = datetime(2026, 11, 24, 2, 40, tzinfo=UTC)
REQUEST = Asked("key-1", "POST /v1/things", b"what is asked")


async def effect(connection: AsyncConnection) -> Answer:
    await connection.execute(
        text("INSERT INTO outbox (topic, record) VALUES ('t', :record)"), {"record": b"r"}
    )
    return Answer(200, b'{"done": true}')


async def ask(
    writer: AsyncEngine,
    act: Callable[[AsyncConnection], Awaitable[Answer]] = effect,
    *,
    tenant: str = "acme",
    subject: str = "tanaka",
    request: Asked = REQUEST,
) -> Response:
    return await once(writer, tenant, subject, request, NOW, act)


async def test_while_a_request_is_at_work_another_with_its_key_is_refused(
    writer: AsyncEngine, rows: Rows
) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def slowly(connection: AsyncConnection) -> Answer:
        begun.set()
        await may_end.wait()
        return await effect(connection)

    first = asyncio.create_task(ask(writer, slowly))
    await begun.wait()
    with pytest.raises(HTTPException) as refused:
        await ask(writer)
    assert refused.value.status_code == 409
    may_end.set()
    assert (await first).status_code == 200
    assert (await ask(writer)).headers["idempotency-replayed"] == "true"
    assert len(await rows("SELECT 1 FROM outbox")) == 1


async def test_of_many_at_once_one_takes_effect(writer: AsyncEngine, rows: Rows) -> None:
    answers = await asyncio.gather(*(ask(writer) for _ in range(30)), return_exceptions=True)
    statuses = {getattr(answer, "status_code", None) for answer in answers}
    assert statuses <= {200, 409}
    assert len(await rows("SELECT 1 FROM outbox")) == 1


async def test_what_fails_leaves_neither_effect_nor_key(writer: AsyncEngine, rows: Rows) -> None:
    async def breaks(connection: AsyncConnection) -> Answer:
        await effect(connection)
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        await ask(writer, breaks)
    assert await rows("SELECT 1 FROM outbox") == await rows("SELECT 1 FROM idempotency") == []
    assert "idempotency-replayed" not in (await ask(writer)).headers


async def test_a_key_belongs_to_one_caller_and_one_request(writer: AsyncEngine) -> None:
    await ask(writer)
    for other in ({"subject": "sato"}, {"request": Asked("key-1", REQUEST.route, b"other")}):
        with pytest.raises(HTTPException) as refused:
            await ask(writer, **other)
        assert refused.value.status_code == 422
    assert "idempotency-replayed" not in (await ask(writer, tenant="other")).headers


async def test_without_a_key_every_request_counts(writer: AsyncEngine, rows: Rows) -> None:
    for _ in range(2):
        await ask(writer, request=Asked(None, REQUEST.route, REQUEST.fingerprint))
    assert len(await rows("SELECT 1 FROM outbox")) == 2


async def test_keys_are_forgotten_after_a_day(writer: AsyncEngine, rows: Rows) -> None:
    await ask(writer)
    day = timedelta(hours=24)
    assert await IdempotencySweep(writer, lambda: NOW + day).sweep() == 0
    assert await IdempotencySweep(writer, lambda: NOW + day * 2).sweep() == 1
    assert await rows("SELECT 1 FROM idempotency") == []
