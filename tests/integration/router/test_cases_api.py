"""What people do with cases: never over capacity, never unqualified unless somebody says so."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

Handle = Callable[..., Awaitable[None]]
Rows = Callable[..., Awaitable[list[Any]]]
Write = Callable[..., Any]
Bearer = Callable[..., dict[str, str]]

TANAKA = {
    "skills": {"network": 3, "japanese": 5, "billing": 2},
    "queues": ["technical", "billing"],
    "capacity": 1,
}


@pytest.fixture
async def case(handle: Handle, says: Write, rows: Rows) -> str:
    """The path of a case that waits for technicians."""
    await handle([says("障害です")])
    (row,) = await rows("SELECT case_id FROM support_case")
    return f"/v1/cases/{row.case_id}"


@pytest.fixture
async def his(case: str, api: httpx.AsyncClient, tanaka: dict[str, str], signs_in: Any) -> str:
    """The path of a case that 田中 has."""
    await signs_in("tanaka", TANAKA)
    assert (await api.post(f"{case}/pick", headers=tanaka)).status_code == 200
    return case


async def test_who_picks_a_case_has_it_and_no_room_for_another(
    his: str,
    api: httpx.AsyncClient,
    tanaka: dict[str, str],
    handle: Handle,
    says: Write,
    rows: Rows,
) -> None:
    assert (await api.get(his, headers=tanaka)).json()["state"] == "assigned"
    await handle([says("障害です", contact="line:main:U2")])
    (row,) = await rows("SELECT case_id FROM support_case WHERE state = 'waiting'")
    full = await api.post(f"/v1/cases/{row.case_id}/pick", headers=tanaka)
    assert (full.status_code, full.json()["detail"]) == (409, "tanaka に空きがない")


async def test_a_supervisor_assigns_and_force_is_told_with_its_reason(
    case: str, api: httpx.AsyncClient, supervisor: dict[str, str], signs_in: Any, rows: Rows
) -> None:
    await signs_in("mori", {**TANAKA, "skills": {"network": 1}})
    body = {"agent": "mori", "reason": "お客様のご指名"}
    refused = await api.post(f"{case}/assign", headers=supervisor, json=body)
    assert refused.status_code == 409
    assert "network ≥ 3" in refused.json()["detail"]
    forced = await api.post(f"{case}/assign", headers=supervisor, json={**body, "force": True})
    assert (forced.status_code, forced.json()["agent"]) == (200, "mori")
    records = [row.record for row in await rows("SELECT record FROM outbox ORDER BY id")]
    (made,) = [record for record in records if b"offer.made" in record]
    assert "お客様のご指名".encode() in made
    assert "network ≥ 3".encode() in made


async def test_not_even_force_goes_over_capacity(
    case: str, api: httpx.AsyncClient, supervisor: dict[str, str], signs_in: Any
) -> None:
    await signs_in("mori", {**TANAKA, "capacity": 0})
    body = {"agent": "mori", "reason": "急ぎ", "force": True}
    assert (await api.post(f"{case}/assign", headers=supervisor, json=body)).status_code == 409


async def test_an_assigned_case_can_be_given_to_somebody_else(
    his: str, api: httpx.AsyncClient, supervisor: dict[str, str], signs_in: Any, rows: Rows
) -> None:
    await signs_in("mori", TANAKA)
    body = {"agent": "mori", "reason": "田中が早退"}
    given = await api.post(f"{his}/assign", headers=supervisor, json=body)
    assert given.json()["agent"] == "mori"
    loads = await rows("SELECT agent, load FROM agent ORDER BY agent")
    assert [tuple(row) for row in loads] == [("mori", 1), ("tanaka", 0)]
    again = await api.post(f"{his}/assign", headers=supervisor, json=body)
    assert again.status_code == 409


async def test_a_transfer_to_a_queue_asks_there_what_is_asked_there(
    his: str, api: httpx.AsyncClient, tanaka: dict[str, str]
) -> None:
    body = {"queue": "billing", "reason": "請求の話だった"}
    moved = (await api.post(f"{his}/transfer", headers=tanaka, json=body)).json()
    assert (moved["queue"], moved["state"]) == ("billing", "waiting")
    assert moved["skills"] == {"billing": 2, "japanese": 3}


async def test_a_transfer_to_an_agent_is_an_offer_to_him(
    his: str, api: httpx.AsyncClient, tanaka: dict[str, str], signs_in: Any, bearer: Bearer
) -> None:
    await signs_in("mori", TANAKA)
    body = {"agent": "mori", "reason": "前回の担当"}
    moved = (await api.post(f"{his}/transfer", headers=tanaka, json=body)).json()
    assert (moved["state"], moved["agent"]) == ("offered", "mori")
    mori = bearer(scope="routing:agent", subject="mori")
    (offer,) = (await api.get("/v1/agents/mori/offers", headers=mori)).json()["offers"]
    accepted = await api.post(f"/v1/offers/{offer['offer_id']}/accept", headers=mori)
    assert accepted.status_code == 200


@pytest.mark.parametrize(
    "body", [{}, {"queue": "billing"}, {"queue": "billing", "agent": "mori", "reason": "両方"}]
)
async def test_a_transfer_goes_to_one_place_for_a_reason(
    his: str, api: httpx.AsyncClient, tanaka: dict[str, str], body: dict[str, str]
) -> None:
    assert (await api.post(f"{his}/transfer", headers=tanaka, json=body)).status_code == 422


async def test_unknown_places_and_people_are_named(
    his: str, api: httpx.AsyncClient, tanaka: dict[str, str]
) -> None:
    body = {"queue": "nowhere", "reason": "…"}
    assert (await api.post(f"{his}/transfer", headers=tanaka, json=body)).status_code == 422
    body = {"agent": "nobody", "reason": "…"}
    assert (await api.post(f"{his}/transfer", headers=tanaka, json=body)).status_code == 404


async def test_what_somebody_does_not_have_he_cannot_end(
    his: str, api: httpx.AsyncClient, bearer: Bearer
) -> None:
    mori = bearer(scope="routing:agent", subject="mori")
    answer = await api.post(f"{his}/resolve", headers=mori)
    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        "you do not have the case: it is assigned, by tanaka",
    )
    other = bearer(scope="routing:supervise", tenant="other")
    assert (await api.post(f"{his}/resolve", headers=other)).status_code == 404


async def test_a_held_case_takes_nobodys_room(
    his: str, api: httpx.AsyncClient, tanaka: dict[str, str]
) -> None:
    body = {"until": "2031-11-25T01:00:00Z", "reason": "部品の入荷を待つ"}
    held = (await api.post(f"{his}/hold", headers=tanaka, json=body)).json()
    assert (held["state"], held["held_until"]) == ("held", "2031-11-25T01:00:00Z")
    assert (await api.get("/v1/agents/tanaka", headers=tanaka)).json()["used"] == {}


async def test_a_requeued_case_waits_where_it_was(
    his: str, api: httpx.AsyncClient, tanaka: dict[str, str]
) -> None:
    body = {"reason": "別の担当へ"}
    back = (await api.post(f"{his}/requeue", headers=tanaka, json=body)).json()
    assert (back["state"], back["queue"], back["agent"]) == ("waiting", "technical", None)


async def test_a_case_whose_conversation_goes_on_in_another_stays_resolved(
    his: str,
    api: httpx.AsyncClient,
    supervisor: dict[str, str],
    writer: AsyncEngine,
    handle: Handle,
    says: Write,
) -> None:
    await api.post(f"{his}/resolve", headers=supervisor)
    async with writer.begin() as connection:
        await connection.execute(text("UPDATE support_case SET resolved_at = '2026-01-05 00:00Z'"))
    await handle([says("また障害です")])
    answer = await api.post(f"{his}/reopen", headers=supervisor)
    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        "the conversation goes on in a later case",
    )


async def test_a_supervisor_ends_what_is_being_offered(
    case: str, api: httpx.AsyncClient, signs_in: Any, offers: Any, supervisor: dict[str, str]
) -> None:
    await signs_in("tanaka", TANAKA)
    assert len(await offers("tanaka")) == 1
    done = await api.post(f"{case}/resolve", headers=supervisor)
    assert (done.status_code, done.json()["state"]) == (200, "resolved")
    assert (await api.get("/v1/agents/tanaka", headers=supervisor)).json()["used"] == {}


async def test_the_same_request_with_the_same_key_takes_effect_once(
    his: str, api: httpx.AsyncClient, tanaka: dict[str, str], rows: Rows
) -> None:
    key = {"Idempotency-Key": '"8e03978e-40d5-43e8-bc93-6894a57f9324"'}
    first = await api.post(f"{his}/resolve", headers=tanaka | key)
    told = len(await rows("SELECT 1 FROM outbox"))
    again = await api.post(f"{his}/resolve", headers=tanaka | key)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert len(await rows("SELECT 1 FROM outbox")) == told
    other = await api.post(f"{his}/reopen", headers=tanaka | key)
    assert other.status_code == 422
    without = await api.post(f"{his}/resolve", headers=tanaka)
    assert without.status_code == 409


async def test_what_was_refused_may_be_tried_again_under_its_key(
    case: str, api: httpx.AsyncClient, tanaka: dict[str, str], signs_in: Any
) -> None:
    key = {"Idempotency-Key": "pick-1"}
    await signs_in("tanaka", {**TANAKA, "capacity": 0})
    assert (await api.post(f"{case}/pick", headers=tanaka | key)).status_code == 409
    await signs_in("tanaka", TANAKA)
    assert (await api.post(f"{case}/pick", headers=tanaka | key)).status_code == 200


async def test_cases_are_listed_in_the_order_in_which_they_are_served(
    api: httpx.AsyncClient, handle: Handle, says: Write, supervisor: dict[str, str]
) -> None:
    await handle([says("障害です", contact=f"line:main:U{n}", minutes=-n) for n in range(5)])
    ranks: list[str] = []
    after: str | None = ""
    while after is not None:
        path = f"/v1/cases?queue=technical&state=waiting&limit=2{after and f'&after={after}'}"
        page = (await api.get(path, headers=supervisor)).json()
        ranks += [case["rank"] for case in page["cases"]]
        after = page["next"]
    assert ranks == sorted(ranks)
    assert len(ranks) == 5
    nobodys = await api.get("/v1/cases?agent=tanaka", headers=supervisor)
    assert nobodys.json() == {"cases": [], "next": None}
    for wrong in ("", "?state=waiting", "?queue=technical&after=nonsense"):
        assert (await api.get(f"/v1/cases{wrong}", headers=supervisor)).status_code == 422


async def test_a_queue_shows_who_is_there_and_what_is_in_danger(
    his: str, api: httpx.AsyncClient, signs_in: Any, writer: AsyncEngine, supervisor: dict[str, str]
) -> None:
    await signs_in("mori", {**TANAKA, "capacity": 3})
    async with writer.begin() as connection:
        told = json.dumps(["first_response.at_risk"])
        await connection.exec_driver_sql("UPDATE support_case SET told = $1", (told,))
    queues = (await api.get("/v1/queues", headers=supervisor)).json()
    technical = next(queue for queue in queues if queue["queue"] == "technical")
    one = (await api.get("/v1/queues/technical", headers=supervisor)).json()
    assert one == technical
    assert (await api.get("/v1/queues/nowhere", headers=supervisor)).status_code == 404
    assert technical["agents"] == {
        "online": 2,
        "winding_up": 0,
        "away": 0,
        "offline": 0,
        "free_units": 3,
    }
    counted = ("waiting", "assigned", "at_risk", "breached")
    assert [technical[name] for name in counted] == [0, 1, 1, 0]
    assert his
