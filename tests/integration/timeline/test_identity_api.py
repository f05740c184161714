"""Saying who is who over HTTP: merges, unmerges, reviews, suggestions, the blocklist, companies."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.timeline.conftest import Bearer, Rows, Tell
from tests.integration.timeline.test_merging import records
from tests.unit.timeline.telling import (
    HANAKO_LINE,
    HANAKO_MAIL,
    HANAKO_TEL,
    START,
    call,
    message,
    profile,
)

from common.core.events import Account, Contract, CustomersMerged, CustomersUnmerged
from common.core.identity_events import IdentityDecided
from common.core.ids import customer_id
from common.edges.clock import system_clock
from common.edges.database import reading
from common.edges.problems import tell_problems
from common.edges.tokens import TokenVerifier, declare_scopes
from local_stack.tokens import SigningKey
from timeline.edges.accounts_api import account_routes
from timeline.edges.identity_surface import Identities
from timeline.edges.links import contacts_as_of
from timeline.edges.merging_api import merging_routes
from timeline.edges.openapi import document_structs
from timeline.edges.review_api import review_routes
from timeline.settings import Settings

TARO_MAIL = "email:taro.suzuki@example.jp"
HANAKO, TARO = customer_id("acme", HANAKO_MAIL), customer_id("acme", TARO_MAIL)


@pytest.fixture
def scope() -> str:
    return "timeline:read timeline:write"


@pytest.fixture
def app(reader: AsyncEngine, writer: AsyncEngine, signing_key: SigningKey) -> FastAPI:
    settings = Settings(jwks=str(signing_key.jwks))
    verifier = TokenVerifier(settings.jwks, settings.issuer, settings.audience)
    people = Identities(reader, writer, verifier, system_clock, "JP", lambda: None)
    app = FastAPI()
    for routes in (merging_routes(people), review_routes(people), account_routes(people)):
        app.include_router(routes)
    tell_problems(app)
    document_structs(app)
    declare_scopes(app)
    return app


@pytest.fixture
async def family(tell: Tell) -> None:
    """Hanako and Taro are two records of one CRM, with one telephone."""
    await tell(profile([HANAKO_MAIL, HANAKO_TEL], "crm-1", 1, name="鈴木 花子"))
    await tell(profile([TARO_MAIL, HANAKO_TEL], "crm-2", 2, name="鈴木 太郎"))


async def owners(rows: Rows) -> dict[str, UUID]:
    return dict(await rows("SELECT address, customer_id FROM contact"))


async def done(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.usefixtures("family")
async def test_what_two_records_of_one_system_share_waits_for_somebody_with_its_evidence(
    client: httpx.AsyncClient, rows: Rows
) -> None:
    page = await done(await client.get("/v1/review"))
    [item] = page["items"]
    assert (item["customer_ref"], item["contact"]) == ("crm-2", HANAKO_TEL)
    assert (item["reason"], item["state"]) == ("conflict", "open")
    assert item["profile_customer"] == str(TARO)
    assert item["contact_customer"] == str((await owners(rows))[HANAKO_TEL])
    assert item["cause"] == str(profile([TARO_MAIL, HANAKO_TEL], "crm-2", 2).attributes.id)
    assert (await done(await client.get("/v1/review?reason=shared")))["items"] == []
    again = await done(await client.get(f"/v1/review?after={item['review_id']}"))
    assert again == {"items": [], "next": None}


@pytest.mark.usefixtures("family")
async def test_who_accepts_a_review_makes_them_one_and_who_undoes_it_makes_them_two(
    client: httpx.AsyncClient, rows: Rows
) -> None:
    before = await owners(rows)
    [item] = (await done(await client.get("/v1/review")))["items"]
    said = await done(
        await client.post(f"/v1/review/{item['review_id']}/accept", json={"note": "旧姓のまま"})
    )
    assert len(said["merged"]) == 1
    assert len(set((await owners(rows)).values())) == 1
    accepted = await done(await client.get("/v1/review?state=accepted"))
    assert [(one["person"], one["state"]) for one in accepted["items"]] == [("agent-7", "accepted")]
    twice = await client.post(f"/v1/review/{item['review_id']}/accept")
    assert twice.status_code == 409
    [merge] = [
        one
        for one in (await done(await client.get(f"/v1/customers/{HANAKO}/links")))["merges"]
        if one["person"]
    ]
    assert (merge["person"], merge["cause"]) == ("agent-7", said["decision_id"])
    await done(
        await client.post(f"/v1/customers/{HANAKO}/unmerge", json={"merge_id": merge["merge_id"]})
    )
    assert await owners(rows) == before
    links = await done(await client.get(f"/v1/customers/{TARO}/links"))
    assert [one["undone_by"] is None for one in links["merges"] if one["person"]] == [False]
    assert {one["said"] for one in links["said"]} >= {"apart"}


@pytest.mark.usefixtures("family")
async def test_a_dismissed_review_does_not_come_back(
    client: httpx.AsyncClient, tell: Tell, rows: Rows
) -> None:
    before = await owners(rows)
    [item] = (await done(await client.get("/v1/review")))["items"]
    await done(await client.post(f"/v1/review/{item['review_id']}/dismiss"))
    await tell(profile([TARO_MAIL, HANAKO_TEL], "crm-2", 9))
    assert (await done(await client.get("/v1/review")))["items"] == []
    assert await owners(rows) == before


async def test_a_merge_by_hand_counts_once_and_is_told_on_the_bus_with_whose_decision_it_was(
    client: httpx.AsyncClient, tell: Tell, rows: Rows
) -> None:
    await tell(message(HANAKO_LINE, 0), call(HANAKO_TEL, 1))
    one, other = customer_id("acme", HANAKO_LINE), customer_id("acme", HANAKO_TEL)
    key = {"Idempotency-Key": "8e03978e"}
    first = await client.post(f"/v1/customers/{one}/merge", json={"other": str(other)}, headers=key)
    again = await client.post(f"/v1/customers/{one}/merge", json={"other": str(other)}, headers=key)
    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    conflict = await client.post(f"/v1/customers/{one}/merge", json={"other": str(other)})
    assert conflict.status_code == 409
    told = [event.data for event in await records(rows)]
    [merged] = [data for data in told if isinstance(data, CustomersMerged)]
    [decided] = [data for data in told if isinstance(data, IdentityDecided)]
    assert (merged.person, decided.person) == ("agent-7", "agent-7")
    assert str(merged.cause) == first.json()["decision_id"]


async def test_an_unmerge_gives_back_what_moved_and_later_evidence_respects_it(
    client: httpx.AsyncClient, tell: Tell, rows: Rows, reader: AsyncEngine
) -> None:
    await tell(message(HANAKO_LINE, 0))
    await tell(profile([HANAKO_LINE, HANAKO_MAIL], "crm-1", 1))
    before = await owners(rows)
    await tell(profile([HANAKO_MAIL, HANAKO_TEL], "shop-1", 2))
    one = customer_id("acme", HANAKO_LINE)
    merges = (await done(await client.get(f"/v1/customers/{one}/links")))["merges"]
    [wrong] = [merge for merge in merges if merge["contacts"] == [HANAKO_TEL]]
    body = {"merge_id": wrong["merge_id"], "note": "ご家族の電話"}
    said = await done(await client.post(f"/v1/customers/{one}/unmerge", json=body))
    assert [step["contacts"] for step in said["unmerged"]] == [[HANAKO_TEL]]
    assert (await client.post(f"/v1/customers/{one}/unmerge", json=body)).status_code == 409
    await tell(profile([HANAKO_LINE, HANAKO_TEL], "billing-1", 9))
    now = await owners(rows)
    assert now == before | {HANAKO_TEL: customer_id("acme", HANAKO_TEL)}
    [data] = [one.data for one in await records(rows) if isinstance(one.data, CustomersUnmerged)]
    assert (data.restored, data.contacts) == (customer_id("acme", HANAKO_TEL), (HANAKO_TEL,))
    reasons = [item["reason"] for item in (await done(await client.get("/v1/review")))["items"]]
    assert "kept-apart" in reasons
    async with reading(reader, "acme") as connection:
        then = await contacts_as_of(
            connection, "acme", one, data.unmerged_at.replace(year=2026, month=3, day=2, hour=2)
        )
        today = await contacts_as_of(connection, "acme", one, system_clock())
    assert set(then.values()) == {HANAKO_LINE, HANAKO_MAIL, HANAKO_TEL}
    assert set(today.values()) == {HANAKO_LINE, HANAKO_MAIL}


async def test_two_who_are_kept_apart_stay_apart_until_somebody_lets_go(
    client: httpx.AsyncClient, tell: Tell, rows: Rows
) -> None:
    await tell(message(HANAKO_LINE, 0), call(HANAKO_TEL, 1))
    one, other = customer_id("acme", HANAKO_LINE), customer_id("acme", HANAKO_TEL)
    await done(await client.put(f"/v1/customers/{one}/apart/{other}", json={"note": "親子"}))
    await tell(profile([HANAKO_LINE, HANAKO_TEL], minutes=5))
    assert len(set((await owners(rows)).values())) == 2
    said = await done(await client.delete(f"/v1/customers/{one}/apart/{other}"))
    assert len(said["merged"]) == 1
    assert len(set((await owners(rows)).values())) == 1
    assert (await done(await client.get("/v1/review")))["items"] == []


async def test_a_blocked_mailbox_links_nobody_in_any_domain_and_undoes_what_it_linked(
    client: httpx.AsyncClient, tell: Tell, rows: Rows
) -> None:
    info = "email:info@aozora.example.jp"
    await tell(profile([HANAKO_MAIL, info], "crm-1", 1), profile([info, TARO_MAIL], "shop-1", 2))
    assert len(set((await owners(rows)).values())) == 1
    said = await done(await client.put("/v1/blocklist/email:info@", json={"note": "代表アドレス"}))
    assert len(said["unmerged"]) == 2
    assert len(set((await owners(rows)).values())) == 3
    other = "email:info@midori.example.jp"
    await tell(profile([HANAKO_LINE, other], "crm-9", 3), profile([HANAKO_TEL, other], "shop-9", 4))
    assert len(set((await owners(rows)).values())) == 6
    listed = await done(await client.get("/v1/blocklist"))
    assert [(one["contact"], one["note"]) for one in listed["blocked"]] == [
        ("email:info@", "代表アドレス")
    ]
    assert (await done(await client.get("/v1/blocklist?after=email:info@")))["blocked"] == []
    said = await done(await client.delete("/v1/blocklist/email:info@"))
    assert len(said["merged"]) == 4
    assert (await done(await client.get("/v1/blocklist")))["blocked"] == []
    assert (await client.put("/v1/blocklist/連絡先なし")).status_code == 400
    assert (await done(await client.put("/v1/blocklist/tel:03-1234-5678")))["merged"] == []


async def test_records_that_resemble_each_other_are_suggested_and_one_answer_settles_it(
    client: httpx.AsyncClient, tell: Tell, rows: Rows
) -> None:
    aozora = Account("A-77", "株式会社あおぞら")
    await tell(profile([HANAKO_MAIL], "crm-1", 1, name="鈴木　花子", account=aozora))
    await tell(
        profile([HANAKO_TEL], "crm-2", 2, name="鈴木花子", account=Account("B-1", "㈱あおぞら"))
    )
    await tell(profile([TARO_MAIL], "crm-3", 3, name="鈴木 花子様", account=aozora))
    found = (await done(await client.get(f"/v1/customers/{HANAKO}/suggestions")))["suggestions"]
    assert {one["other_ref"] for one in found} == {"crm-2", "crm-3"}
    by_ref = {one["other_ref"]: one for one in found}
    assert by_ref["crm-2"]["name"] == 1.0
    assert by_ref["crm-2"]["company"] == 1.0
    yes, no = (f"/v1/suggestions/{by_ref[ref]['suggestion_id']}" for ref in ("crm-2", "crm-3"))
    await done(await client.post(f"{no}/reject"))
    await done(await client.post(f"{yes}/accept", json={"note": "本人に確認"}))
    assert (await client.post(f"{yes}/accept")).status_code == 409
    left = (await done(await client.get(f"/v1/customers/{HANAKO}/suggestions")))["suggestions"]
    assert left == []
    now = await owners(rows)
    assert now[HANAKO_MAIL] == now[HANAKO_TEL] != now[TARO_MAIL]


async def test_a_company_has_contracts_people_and_one_history_over_all_of_them(
    client: httpx.AsyncClient, tell: Tell
) -> None:
    contract = Contract(contract_id="K-1", plan="standard", starts_at=START)
    aozora = Account("A-77", "株式会社あおぞら", ("aozora.example.jp",), (contract,))
    await tell(
        profile([HANAKO_MAIL, HANAKO_TEL], "crm-1", 1, name="鈴木 花子", account=aozora),
        profile([TARO_MAIL], "crm-2", 2, name="鈴木 太郎", account=Account("A-77")),
        profile([HANAKO_LINE], "crm-3", 3, name="佐藤 次郎"),
        call(HANAKO_TEL, 10),
        call(TARO_MAIL, 11, channel="email"),
        message(HANAKO_LINE, 12),
    )
    account = await done(await client.get("/v1/accounts/A-77"))
    assert (account["name"], account["people"]) == ("株式会社あおぞら", 2)
    assert [one["contract_id"] for one in account["contracts"]] == ["K-1"]
    first = await done(await client.get("/v1/accounts/A-77/people?limit=1"))
    rest = await done(await client.get(f"/v1/accounts/A-77/people?after={first['next']}"))
    assert {one["name"] for one in first["people"] + rest["people"]} == {"鈴木 花子", "鈴木 太郎"}
    assert rest["next"] is None
    page = await done(await client.get("/v1/accounts/A-77/timeline?limit=1"))
    more = await done(await client.get(f"/v1/accounts/A-77/timeline?before={page['next']}"))
    assert [one["contact"] for one in page["entries"] + more["entries"]] == [TARO_MAIL, HANAKO_TEL]
    assert more["next"] is None
    await tell(profile([TARO_MAIL], "crm-2", 20, name="鈴木 太郎"))
    assert (await done(await client.get("/v1/accounts/A-77")))["people"] == 1
    assert (await client.get("/v1/accounts/Z-1")).status_code == 404


async def test_reading_is_not_writing_and_other_tenants_people_do_not_exist(
    client: httpx.AsyncClient, bearer: Bearer, tell: Tell
) -> None:
    await tell(message(HANAKO_LINE, 0), call(HANAKO_TEL, 1))
    one, other = customer_id("acme", HANAKO_LINE), customer_id("acme", HANAKO_TEL)
    path, body = f"/v1/customers/{one}/merge", {"other": str(other)}
    reading_only = bearer(scope="timeline:read")
    assert (await client.post(path, json=body, headers=reading_only)).status_code == 403
    stranger = bearer(tenant="globex")
    assert (await client.post(path, json=body, headers=stranger)).status_code == 404
    for asked in ("links", "suggestions"):
        answer = await client.get(f"/v1/customers/{one}/{asked}", headers=stranger)
        assert answer.status_code == 404
    assert (await client.get("/v1/review", headers=stranger)).json()["items"] == []
    missing = {"merge_id": str(other)}
    assert (await client.post(f"/v1/customers/{one}/unmerge", json=missing)).status_code == 404


async def test_the_document_tells_all_of_it_with_examples(app: FastAPI) -> None:
    document = app.openapi()
    for path in document["paths"].values():
        for operation in path.values():
            assert operation["summary"]
            assert operation["responses"].keys() >= {"200", "401", "403", "404", "422", "503"}
    for name in ("DecisionView", "LinksView", "ReviewPage", "BlocklistView", "AccountView"):
        assert document["components"]["schemas"][name]["example"]
