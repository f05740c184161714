"""A supervisor's tool sees queues, cases and reasons of its own tenant, and of no other."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from common.core.cases import Decision
from common.core.events import MessageKind
from common.edges.database import reading

Handle = Callable[..., Awaitable[None]]
Rows = Callable[..., Awaitable[list[Any]]]
Write = Callable[..., Any]
Bearer = Callable[..., dict[str, str]]


@pytest.fixture
async def case_id(handle: Handle, rows: Rows, says: Write) -> str:
    """The case of a customer whose router is down, and who liked our answer."""
    await handle([says("障害です"), says(kind=MessageKind.REACTION)])
    (case,) = await rows("SELECT case_id FROM support_case")
    return str(case.case_id)


@pytest.mark.usefixtures("case_id")
async def test_queues_are_listed_with_what_waits_in_them(
    api: httpx.AsyncClient, bearer: Bearer
) -> None:
    queues = (await api.get("/v1/queues", headers=bearer())).json()
    waiting = {queue["queue"]: queue["waiting"] for queue in queues}
    assert waiting == {
        "general": 0,
        "technical": 1,
        "billing": 0,
        "vip": 0,
        "social": 0,
        "english": 0,
        "quality": 0,
    }
    technical = next(queue for queue in queues if queue["queue"] == "technical")
    assert technical["sentence"] == "技術サポート"
    assert technical["oldest_opened_at"] == "2026-11-24T02:40:00Z"
    assert (technical["opens_at"] is None) is technical["open"]


@pytest.mark.usefixtures("case_id")
async def test_whoever_waits_in_a_queue_that_the_rules_dropped_is_not_forgotten(
    api: httpx.AsyncClient, bearer: Bearer, writer: AsyncEngine
) -> None:
    async with writer.begin() as connection:
        await connection.execute(text("UPDATE support_case SET queue = 'closed-down'"))
    queues = (await api.get("/v1/queues", headers=bearer())).json()
    dropped = [(queue["queue"], queue["waiting"]) for queue in queues if not queue["in_rules"]]
    assert dropped == [("closed-down", 1)]


async def test_a_case_is_shown_as_it_stands(
    api: httpx.AsyncClient, bearer: Bearer, case_id: str
) -> None:
    case = (await api.get(f"/v1/cases/{case_id}", headers=bearer())).json()
    assert (case["queue"], case["state"], case["channel"]) == ("technical", "waiting", "line")
    assert case["skills"] == {"network": 3, "japanese": 3}


async def test_a_decision_is_shown_byte_for_byte_as_it_was_recorded(
    api: httpx.AsyncClient, bearer: Bearer, rows: Rows, case_id: str
) -> None:
    """By default the one that placed the case; a reaction placed nothing."""
    first, last = await rows(
        "SELECT message_event, CAST(body AS text) FROM decision ORDER BY decision_number"
    )
    url = f"/v1/cases/{case_id}/decision"
    answer = await api.get(url, headers=bearer())
    of_reaction = await api.get(f"{url}?message={last.message_event}", headers=bearer())
    assert (answer.text, of_reaction.text) == (first.body, last.body)
    decision = msgspec.json.decode(answer.content, type=Decision)
    assert [trial.rule for trial in decision.rules if trial.matched] == [
        "outage",
        "short-messages",
        "japanese",
    ]


@pytest.mark.parametrize("path", ["", "/decision", "/decision?message={unknown}"])
async def test_another_tenants_case_and_an_unknown_one_are_not_there(
    api: httpx.AsyncClient, bearer: Bearer, case_id: str, path: str
) -> None:
    unknown = "00000000-0000-0000-0000-000000000001"
    place = path.format(unknown=unknown)
    theirs = await api.get(f"/v1/cases/{case_id}{place}", headers=bearer("other"))
    nobodys = await api.get(f"/v1/cases/{unknown}{place}", headers=bearer())
    assert (theirs.status_code, nobodys.status_code) == (404, 404)
    assert theirs.json() == nobodys.json()


@pytest.mark.usefixtures("case_id")
async def test_other_tenants_do_not_count_in_the_depth_of_a_queue(
    api: httpx.AsyncClient, bearer: Bearer
) -> None:
    queues = (await api.get("/v1/queues", headers=bearer("other"))).json()
    assert {queue["waiting"] for queue in queues} == {0}


@pytest.mark.parametrize(("scope", "status"), [(None, 401), ("", 401), ("timeline:read", 403)])
async def test_without_a_good_token_nothing_is_shown(
    api: httpx.AsyncClient, bearer: Bearer, scope: str | None, status: int
) -> None:
    """Without one, with nonsense, and with one for something else."""
    headers = {"Authorization": "Bearer nonsense"} if scope == "" else {}
    headers = bearer(scope=scope) if scope else headers
    for path in ("/v1/queues", f"/v1/cases/{'0' * 32}", f"/v1/cases/{'0' * 32}/decision"):
        assert (await api.get(path, headers=headers)).status_code == status


@pytest.mark.usefixtures("case_id")
async def test_a_forgotten_filter_shows_no_other_tenants_rows(reader: AsyncEngine) -> None:
    everything = text("SELECT count(*) FROM support_case")
    counts = []
    for tenant in ("acme", "other"):
        async with reading(reader, tenant) as connection:
            counts.append((await connection.execute(everything)).scalar_one())
    async with reader.connect() as nobody:
        counts.append((await nobody.execute(everything)).scalar_one())
    assert counts == [1, 0, 0]


async def test_the_openapi_document_is_complete(api: httpx.AsyncClient) -> None:
    document = (await api.get("/openapi.json")).json()
    schemas = document["components"]["schemas"]
    wanted = {part.removeprefix("#/components/schemas/") for part in _references(document)}
    assert wanted <= schemas.keys()
    assert {"Decision", "RuleTrial", "QueueTrial", "ContractTrial"} <= schemas.keys()
    assert all("example" in schemas[view] for view in ("QueueView", "CaseView"))
    operations = [
        operation
        for path, methods in document["paths"].items()
        if path.startswith("/v1")
        for operation in methods.values()
    ]
    for operation in operations:
        assert {"401", "403", "503"} <= operation["responses"].keys()
        assert {"200", "204"} & operation["responses"].keys()
    assert all("summary" in operation and "security" in operation for operation in operations)


def _references(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for item in value.values() for found in _references(item)]
    if isinstance(value, list):
        return [found for item in value for found in _references(item)]
    return []
