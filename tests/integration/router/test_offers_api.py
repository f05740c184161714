"""An agent's tool: sign in, be offered a case, answer; and nobody answers twice."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

Handle = Callable[..., Awaitable[None]]
Rows = Callable[..., Awaitable[list[Any]]]
Write = Callable[..., Any]
Bearer = Callable[..., dict[str, str]]
Offer = Callable[..., Awaitable[list[str]]]

TANAKA = {
    "name": "田中 一郎",
    "team": "技術一課",
    "skills": {"network": 3, "japanese": 5},
    "queues": ["technical", "vip"],
    "capacity": 2,
}


@pytest.fixture
async def offer_id(handle: Handle, says: Write, signs_in: Any, offers: Offer) -> str:
    """What 田中 is offered."""
    await handle([says("障害です")])
    await signs_in("tanaka", TANAKA)
    (made,) = await offers("tanaka")
    return made


async def test_an_agent_is_shown_what_the_rules_do_not_know(
    api: httpx.AsyncClient, supervisor: dict[str, str]
) -> None:
    body = {**TANAKA, "skills": {"karate": 3}}
    answer = await api.put("/v1/agents/tanaka", json=body, headers=supervisor)
    assert (answer.status_code, "karate" in answer.json()["detail"]) == (422, True)
    body = {**TANAKA, "queues": ["nowhere"]}
    answer = await api.put("/v1/agents/tanaka", json=body, headers=supervisor)
    assert (answer.status_code, "nowhere" in answer.json()["detail"]) == (422, True)
    body = {**TANAKA, "skills": {"network": 6}}
    assert (await api.put("/v1/agents/tanaka", json=body, headers=supervisor)).status_code == 422


async def test_an_agent_answers_from_his_own_queues_and_his_teams(
    api: httpx.AsyncClient, supervisor: dict[str, str]
) -> None:
    body = {"name": "佐藤 次郎", "team": "back-office", "queues": ["english"], "capacity": 1}
    answer = await api.put("/v1/agents/sato", json=body, headers=supervisor)
    assert sorted(answer.json()["queues"]) == ["billing", "english", "general"]


async def test_an_agent_signs_in_is_offered_a_case_accepts_and_resolves_it(
    api: httpx.AsyncClient, offer_id: str, tanaka: dict[str, str]
) -> None:
    (shown,) = (await api.get("/v1/agents/tanaka/offers", headers=tanaka)).json()["offers"]
    assert (shown["offer_id"], shown["state"], shown["queue"]) == (offer_id, "made", "technical")
    assert shown["case"]["contact"] == "line:main:U4af4980629"
    taken = await api.post(f"/v1/offers/{offer_id}/accept", headers=tanaka)
    assert (taken.status_code, taken.json()["state"]) == (200, "accepted")
    case = f"/v1/cases/{shown['case_id']}"
    assert (await api.get(case, headers=tanaka)).json()["agent"] == "tanaka"
    done = await api.post(f"{case}/resolve", headers=tanaka)
    assert (done.status_code, done.json()["state"]) == (200, "resolved")
    history = (await api.get(f"{case}/history", headers=tanaka)).json()["offers"]
    assert [(offer["agent"], offer["state"]) for offer in history] == [("tanaka", "accepted")]
    again = await api.post(f"{case}/reopen", headers=tanaka)
    assert (again.status_code, again.json()["state"]) == (200, "waiting")


async def test_of_fifty_who_accept_an_offer_at_once_one_does(
    api: httpx.AsyncClient, offer_id: str, tanaka: dict[str, str], rows: Rows
) -> None:
    answers = await asyncio.gather(
        *(api.post(f"/v1/offers/{offer_id}/accept", headers=tanaka) for _ in range(50))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 49
    (row,) = await rows("SELECT state, version FROM support_case")
    assert (row.state, row.version) == ("assigned", 3)
    assert {a.json()["detail"] for a in answers if a.status_code == 409} == {
        "the offer is accepted"
    }


async def test_who_declines_comes_after_the_others(
    api: httpx.AsyncClient, offer_id: str, tanaka: dict[str, str], offers: Offer
) -> None:
    body = {"reason": "別件で電話中"}
    answer = await api.post(f"/v1/offers/{offer_id}/decline", headers=tanaka, json=body)
    assert (answer.status_code, answer.json()["state"]) == (200, "declined")
    assert await offers("tanaka") == []
    late = await api.post(f"/v1/offers/{offer_id}/accept", headers=tanaka)
    assert (late.status_code, late.json()["detail"]) == (409, "the offer is declined")


@pytest.mark.parametrize("who", [{"subject": "sato"}, {"tenant": "other"}])
async def test_an_offer_does_not_exist_for_others(
    api: httpx.AsyncClient, offer_id: str, bearer: Bearer, who: dict[str, str]
) -> None:
    headers = bearer(**{"scope": "routing:agent", "subject": "tanaka", **who})
    for method, path in (("GET", ""), ("POST", "/accept"), ("POST", "/decline")):
        answer = await api.request(method, f"/v1/offers/{offer_id}{path}", headers=headers)
        assert answer.status_code == 404


async def test_an_agent_asks_for_nobody_elses_offers_and_moves_nobody_else(
    api: httpx.AsyncClient, offer_id: str, bearer: Bearer
) -> None:
    assert offer_id
    sato = bearer(scope="routing:agent", subject="sato")
    assert (await api.get("/v1/agents/tanaka/offers", headers=sato)).status_code == 403
    assert (await api.get("/v1/agents/tanaka", headers=sato)).status_code == 403
    body = {"presence": "offline"}
    answer = await api.post("/v1/agents/tanaka/presence", headers=sato, json=body)
    assert answer.status_code == 403
    assert (await api.put("/v1/agents/sato", headers=sato, json=TANAKA)).status_code == 403


async def test_who_goes_away_keeps_no_offer(
    api: httpx.AsyncClient, offer_id: str, tanaka: dict[str, str]
) -> None:
    body = {"presence": "away", "reason": "昼休み"}
    gone = await api.post("/v1/agents/tanaka/presence", headers=tanaka, json=body)
    assert (gone.json()["presence"], gone.json()["used"]) == ("away", {})
    offer = (await api.get(f"/v1/offers/{offer_id}", headers=tanaka)).json()
    assert offer["state"] == "withdrawn"


async def test_a_poller_is_told_what_changed_since_he_asked(
    api: httpx.AsyncClient, offer_id: str, tanaka: dict[str, str]
) -> None:
    first = (await api.get("/v1/agents/tanaka/offers", headers=tanaka)).json()
    nothing = await api.get(f"/v1/agents/tanaka/offers?after={first['next']}", headers=tanaka)
    assert nothing.json() == {"offers": [], "next": first["next"]}
    await api.post(f"/v1/offers/{offer_id}/decline", headers=tanaka)
    then = (await api.get(f"/v1/agents/tanaka/offers?after={first['next']}", headers=tanaka)).json()
    assert [offer["state"] for offer in then["offers"]] == ["declined"]
    assert then["next"] > first["next"]


async def test_a_heartbeat_only_shows_that_he_is_there(
    api: httpx.AsyncClient, tanaka: dict[str, str], signs_in: Any
) -> None:
    before = await signs_in("tanaka", TANAKA)
    body = {"presence": "online"}
    after = (await api.post("/v1/agents/tanaka/presence", headers=tanaka, json=body)).json()
    assert after["version"] == before["version"]
    assert after["seen_at"] >= before["seen_at"]


async def test_a_retired_agent_is_known_and_takes_nothing(
    api: httpx.AsyncClient, offer_id: str, tanaka: dict[str, str], supervisor: dict[str, str]
) -> None:
    await api.post(f"/v1/offers/{offer_id}/accept", headers=tanaka)
    assert (await api.delete("/v1/agents/tanaka", headers=supervisor)).status_code == 204
    shown = (await api.get("/v1/agents/tanaka", headers=supervisor)).json()
    assert (shown["presence"], shown["capacity"], shown["queues"], shown["used"]) == (
        "offline",
        0,
        [],
        {},
    )
    assert (await api.delete("/v1/agents/nobody", headers=supervisor)).status_code == 404


async def test_agents_are_listed_by_id_a_page_at_a_time(
    api: httpx.AsyncClient, signs_in: Any, supervisor: dict[str, str]
) -> None:
    for name in ("suzuki", "abe", "mori"):
        await signs_in(name, TANAKA)
    first = (await api.get("/v1/agents?limit=2", headers=supervisor)).json()
    rest = (await api.get(f"/v1/agents?after={first['next']}", headers=supervisor)).json()
    names = [agent["agent"] for page in (first, rest) for agent in page["agents"]]
    assert (names, rest["next"]) == (["abe", "mori", "suzuki"], None)
    nobody = await api.get("/v1/agents?queue=billing&presence=online", headers=supervisor)
    assert nobody.json()["agents"] == []
