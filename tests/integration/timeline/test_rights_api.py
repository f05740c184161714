"""Privacy officers export, hold, erase and set times over HTTP; auditors see who read whom."""

import io
import json
import zipfile
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.timeline.conftest import Rows, Tell
from tests.unit.timeline.telling import (
    HANAKO_LINE,
    HANAKO_MAIL,
    TENANT,
    message,
    profile,
)

from common.core.adapters import File
from common.core.events import Attachment, AttachmentState, Direction
from common.core.ids import customer_id
from common.edges.clock import system_clock
from common.edges.consuming import ConsumingService
from common.edges.objects import ObjectStore
from timeline.edges.export_worker import ExportWorker
from timeline.edges.retention import Retention
from timeline.settings import Settings
from timeline.wiring import build

KEY = ECKey.generate_key("P-256", {"kid": "test"})
ISSUER = "https://id.test"
PRIVACY_KEY = "0123456789abcdef0123456789abcdef"
HANAKO = customer_id(TENANT, HANAKO_LINE)
SCOPES = "privacy:write privacy:read audit:read timeline:read"

Headers = Callable[..., dict[str, str]]


@pytest.fixture
def headers() -> Headers:
    def make(scope: str = SCOPES, tenant: str = TENANT, **more: str) -> dict[str, str]:
        claims = {
            "iss": ISSUER,
            "aud": "madoguchi",
            "exp": int((system_clock() + timedelta(hours=1)).timestamp()),
            "sub": "privacy@example.jp",
            "tenant": tenant,
            "scope": scope,
        }
        token = jwt.encode({"alg": "ES256", "kid": "test"}, claims, KEY)
        return {"Authorization": f"Bearer {token}", **more}

    return make


@pytest.fixture
def service(migrated: str, tmp_path: Path) -> ConsumingService:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(KeySet([KEY]).as_dict(private=False)))
    return build(
        Settings(
            database=migrated,
            jwks=str(keys),
            issuer=ISSUER,
            objects=str(tmp_path / "objects"),
            privacy_key=PRIVACY_KEY,
        )
    )


@pytest.fixture
async def api(service: ConsumingService) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=service.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://timeline") as client:
        yield client


@pytest.fixture
def objects(tmp_path: Path) -> ObjectStore:
    return ObjectStore.open(str(tmp_path / "objects"))


@pytest.fixture
def exports(writer: AsyncEngine, reader: AsyncEngine, objects: ObjectStore) -> ExportWorker:
    return ExportWorker(writer, reader, objects, system_clock)


async def hanako(tell: Tell, objects: ObjectStore) -> str:
    """Let a customer have a history with a file; return where that lies."""
    place = await objects.put_file(TENANT, File("cd" * 32, "見積書".encode(), "application/pdf"))
    attached = Attachment(
        name="見積書<b>.pdf",
        media_type="application/pdf",
        state=AttachmentState.STORED,
        location=place,
    )
    await tell(
        message(text="<script>alert('納期')</script>", attachments=(attached,)),
        message(HANAKO_MAIL, 1, "メールでも書きました", message_id="m2"),
        message(minutes=2, direction=Direction.OUTBOUND, message_id="m3", text="承知しました"),
        profile([HANAKO_LINE, HANAKO_MAIL], "crm-1", 3, name="鈴木 花子"),
    )
    return place


async def ready(api: httpx.AsyncClient, exports: ExportWorker, given: dict[str, str]) -> Any:
    asked = await api.post(f"/v1/customers/{HANAKO}/exports", headers=given)
    assert asked.status_code == 202, asked.text
    await exports.look()
    return (await api.get(f"/v1/exports/{asked.json()['id']}", headers=given)).json()


async def test_an_export_holds_all_that_is_known_for_machines_and_for_people(
    api: httpx.AsyncClient,
    tell: Tell,
    objects: ObjectStore,
    exports: ExportWorker,
    headers: Headers,
) -> None:
    await hanako(tell, objects)
    shown = await ready(api, exports, headers())
    assert (shown["state"], shown["entries"]) == ("ready", 3)
    fetched = await api.get(shown["url"])
    assert fetched.status_code == 200
    archive = zipfile.ZipFile(io.BytesIO(fetched.content))
    data = json.loads(archive.read("data.json"))
    assert data["customer"]["name"] == "鈴木 花子"
    assert [entry["data"]["text"] for entry in data["entries"]][1:] == [
        "メールでも書きました",
        "承知しました",
    ]
    assert {link["contact"] for link in data["links"]} == {HANAKO_LINE, HANAKO_MAIL}
    assert data["profiles"][0]["customer_ref"] == "crm-1"
    assert any("exports" in read["route"] for read in data["read"])
    page = archive.read("index.html").decode()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    [file] = [name for name in archive.namelist() if name.startswith("files/")]
    assert quote(file) in page
    assert archive.read(file).decode() == "見積書"


async def test_a_link_to_an_export_is_good_for_that_one_and_not_for_ever(
    api: httpx.AsyncClient,
    tell: Tell,
    objects: ObjectStore,
    exports: ExportWorker,
    headers: Headers,
) -> None:
    await hanako(tell, objects)
    url = httpx.URL((await ready(api, exports, headers()))["url"])
    for name, value in (("tenant", "globex"), ("expires", "9999999999"), ("signature", "00")):
        forged = url.copy_set_param(name, value)
        assert (await api.get(str(forged))).status_code == 403, name


async def test_an_export_goes_with_its_customer(
    api: httpx.AsyncClient,
    tell: Tell,
    objects: ObjectStore,
    exports: ExportWorker,
    headers: Headers,
) -> None:
    await hanako(tell, objects)
    shown = await ready(api, exports, headers())
    path = f"/v1/customers/{HANAKO}/erasures"
    assert (await api.post(path, headers=headers(), json={"basis": "appi-35"})).status_code == 202
    await exports.look()
    assert not [key for key in await objects.keys("") if key.startswith("exports/")]
    assert (await api.get(shown["url"])).status_code == 404


async def test_one_key_erases_once_and_a_held_customer_not_at_all(
    api: httpx.AsyncClient, tell: Tell, objects: ObjectStore, headers: Headers, rows: Rows
) -> None:
    await hanako(tell, objects)
    held = await api.put(
        f"/v1/customers/{HANAKO}/hold", headers=headers(), json={"reason": "訴訟のため保全"}
    )
    assert held.json()["placed_by"] == "privacy@example.jp"
    path, asked = (
        f"/v1/customers/{HANAKO}/erasures",
        {"basis": "gdpr-17", "reference": "2026-個-42"},
    )
    assert (await api.post(path, headers=headers(), json=asked)).status_code == 409
    released = await api.delete(f"/v1/customers/{HANAKO}/hold", headers=headers())
    assert released.status_code == 204
    assert (await api.get(f"/v1/customers/{HANAKO}/hold", headers=headers())).status_code == 404
    keyed = headers(**{"Idempotency-Key": "one"})
    first = await api.post(path, headers=keyed, json=asked)
    again = await api.post(path, headers=keyed, json=asked)
    assert (first.status_code, first.json()) == (202, again.json())
    assert await rows("SELECT count(*) FROM erasure") == [(1,)]
    erasure = f"/v1/erasures/{first.json()['id']}"
    assert (await api.get(erasure, headers=headers())).json()["state"] == "accepted"
    assert (await api.get(f"{erasure}/certificate", headers=headers())).status_code == 409
    assert (await api.get(erasure, headers=headers(tenant="globex"))).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"/v1/customers/{HANAKO}/erasures"),
        ("POST", f"/v1/customers/{HANAKO}/exports"),
        ("PUT", f"/v1/customers/{HANAKO}/hold"),
        ("PUT", "/v1/retention"),
        ("GET", f"/v1/erasures/{HANAKO}"),
        ("GET", "/v1/access-log"),
    ],
)
async def test_who_may_read_the_history_may_do_none_of_this(
    api: httpx.AsyncClient, headers: Headers, method: str, path: str
) -> None:
    bodies = {"erasures": {"basis": "other"}, "hold": {"reason": "x"}, "retention": {"rules": []}}
    body = bodies.get(path.rsplit("/", 1)[-1])
    answer = await api.request(method, path, headers=headers("timeline:read"), json=body)
    assert answer.status_code == 403


async def test_whoever_reads_a_customer_stands_in_the_log_by_whatever_route(
    api: httpx.AsyncClient, tell: Tell, objects: ObjectStore, headers: Headers
) -> None:
    await hanako(tell, objects)
    named = headers(**{"X-Request-Id": "desk-7"})
    await api.get(f"/v1/customers/{HANAKO}/timeline", headers=named)
    await api.get("/v1/customers", params={"contact": HANAKO_LINE}, headers=headers())
    other = customer_id(TENANT, HANAKO_MAIL)  # merged away
    seen = await api.get("/v1/access-log", params={"customer": str(other)}, headers=headers())
    records = seen.json()["records"]
    assert [record["route"] for record in records] == [
        "GET /v1/customers",
        f"GET /v1/customers/{HANAKO}/timeline",
    ]
    assert records[-1]["request_id"] == "desk-7"
    assert records[-1]["subject"] == "privacy@example.jp"
    theirs = await api.get("/v1/access-log", headers=headers(tenant="globex"))
    assert [record["route"] for record in theirs.json()["records"]] == []


async def test_what_is_over_goes_by_kind_and_channel_but_not_under_a_legal_hold(
    api: httpx.AsyncClient,
    tell: Tell,
    objects: ObjectStore,
    headers: Headers,
    writer: AsyncEngine,
    rows: Rows,
) -> None:
    await hanako(tell, objects)
    jiro = "line:1657000000:Ujiro"
    await tell(message(jiro, 4, "別の客です", message_id="m4"))
    held = await api.put(f"/v1/customers/{HANAKO}/hold", headers=headers(), json={"reason": "保全"})
    assert held.status_code == 200
    rules = {"rules": [{"kind": "message", "channel": "line", "days": 30}]}
    put = await api.put("/v1/retention", headers=headers(), json=rules)
    assert put.json() == rules
    assert (await api.get("/v1/retention", headers=headers())).json() == rules
    retention = Retention(writer, system_clock)
    assert await retention.look() == 1
    assert await rows("SELECT count(*) FROM entry") == [(3,)]
    await api.delete(f"/v1/customers/{HANAKO}/hold", headers=headers())
    everything = {"rules": [{"kind": "*", "channel": "*", "days": 30}]}
    await api.put("/v1/retention", headers=headers(), json=everything)
    assert await Retention(writer, lambda: system_clock() + timedelta(days=400)).look() == 3
    assert await rows("SELECT count(*) FROM entry") == [(0,)]
    assert await rows("SELECT count(*) FROM seen") == [(0,)]
    assert await rows("SELECT count(*) FROM pg_class WHERE relname = 'entry_2026'") == [(0,)]
