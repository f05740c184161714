"""One entry, its HTML, its files by links that end, and the conversations that it belongs to."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import uuid5

import httpx
import pytest
from fastapi import FastAPI
from tests.integration.timeline.conftest import Bearer, Tell
from tests.unit.timeline.telling import (
    HANAKO_LINE,
    HANAKO_MAIL,
    HANAKO_TEL,
    TENANT,
    after,
    call,
    change,
    event,
    mail,
    message,
    profile,
    status,
)

from common.core.adapters import File, Original
from common.core.cases import CaseResolved
from common.core.cloudevents import Event
from common.core.delivery import DeliveryStatus
from common.core.events import (
    Attachment,
    AttachmentState,
    Conversation,
    Direction,
    MessageKind,
)
from common.core.ids import NAMESPACE, customer_id, derived_id
from common.core.signatures import sha256_hex
from common.edges.clock import system_clock
from common.edges.objects import ObjectStore
from common.edges.originals import Originals
from common.edges.service import Health
from local_stack.tokens import SigningKey
from timeline.core.file_links import FileLink, read_keys
from timeline.core.recording import conversation_ref
from timeline.edges import conversations
from timeline.edges.readers import Readers
from timeline.settings import Settings
from timeline.wiring import surface

HANAKO = customer_id(TENANT, HANAKO_MAIL)
NOBODY = uuid5(NAMESPACE, "nobody")
RECEIPT = "領収書です".encode() * 1000
LOGO = b"\x89PNG\r\n\x1a\n" + bytes(64)
RAW = "Subject: =?ISO-2022-JP?B?GyRCTkE8fT1xGyhC?=\r\n\r\n本文\r\n".encode()
LINK_KEYS = f"test:{'k' * 32}"


def file(name: str, content: bytes, media_type: str, **fields: Any) -> Attachment:
    digest = sha256_hex(content)
    given: dict[str, Any] = {
        "name": name,
        "media_type": media_type,
        "state": AttachmentState.STORED,
        "size": len(content),
        "sha256": digest,
        "location": f"files/{TENANT}/{digest[:2]}/{digest}",
        **fields,
    }
    return Attachment(**given)


@pytest.fixture
def objects(tmp_path: Path) -> ObjectStore:
    return ObjectStore.open(str(tmp_path / "objects"))


@pytest.fixture
def app(readers: Readers, signing_key: SigningKey, tmp_path: Path) -> FastAPI:
    settings = Settings(
        jwks=str(signing_key.jwks), objects=str(tmp_path / "objects"), link_keys=LINK_KEYS
    )
    return surface(readers, settings, Health())


@pytest.fixture
async def wrote(tell: Tell, objects: ObjectStore) -> Event:
    """A mail of Hanako's with HTML, a receipt, a logo within it, and its original."""
    await objects.put_file(TENANT, File(sha256_hex(RECEIPT), RECEIPT, "application/pdf"))
    await objects.put_file(TENANT, File(sha256_hex(LOGO), LOGO, "image/png"))
    original = Original(provider="smtp", account="support", received_at=after(0), body=RAW)
    originals = Originals(objects, "ingest_email", "test", system_clock)
    told = mail(
        direction=Direction.INBOUND,
        provider="smtp",
        account="support",
        subject="領収書",
        text="領収書をお送りします。",
        html='<p>領収書をお送りします。<img src="cid:logo@example.jp"><script>x()</script></p>',
        raw_ref=await originals.keep(original),
        attachments=(
            file("領収書 2026.pdf", RECEIPT, "application/pdf"),
            file("logo.png", LOGO, "image/png", content_id="logo@example.jp", inline=True),
            file("他社.pdf", RECEIPT, "application/pdf", location="files/globex/aa/secret"),
            Attachment(name="later.jpg", media_type="image/*", state=AttachmentState.REMOTE),
        ),
    )
    await tell(told)
    return told


def at(told: Event, rest: str = "") -> str:
    return f"/v1/entries/{told.attributes.id}{rest}"


async def test_an_entry_is_found_by_its_id_with_all_that_was_said_of_it(
    client: httpx.AsyncClient, tell: Tell
) -> None:
    told = message(direction=Direction.OUTBOUND)
    await tell(told, status(DeliveryStatus.READ, 3), change(MessageKind.EDIT, "m1", 1, "訂正です"))
    found = (await client.get(at(told))).json()
    assert found["id"] == str(told.attributes.id)
    assert found["customer"] == str(customer_id(TENANT, HANAKO_LINE))
    assert found["delivery"]["status"] == "read"
    assert [version["text"] for version in found["versions"]] == ["電源が入りません。", "訂正です"]


async def test_work_and_activities_are_shown_with_their_kind_and_what_they_have_in_common(
    client: httpx.AsyncClient, tell: Tell
) -> None:
    case = derived_id("case")
    told = call(
        attributes={
            "direction": "outbound",
            "duration_seconds": 95,
            "agent": "tanaka",
            "outcome": "解決",
            "place": 3,
            "case_id": str(case),
        }
    )
    resolved = CaseResolved(case_id=case, contact=HANAKO_TEL, resolved_at=after(1))
    closed = event(resolved, HANAKO_TEL, after(1))
    await tell(told, closed)
    called = (await client.get(at(told))).json()
    assert (called["kind"], called["direction"], called["case"]) == ("call", "outbound", str(case))
    assert called["activity"] == {
        "summary": "納期についてのお問い合わせ",
        "direction": "outbound",
        "duration_seconds": 95.0,
        "agent": "tanaka",
        "outcome": "解決",
        "place": None,
        "reference": None,
        "case": str(case),
    }
    done = (await client.get(at(closed))).json()
    assert (done["kind"], done["case"], done["activity"]) == ("case.resolved", str(case), None)


async def test_a_file_is_downloaded_by_a_link_without_a_token_and_under_its_own_name(
    client: httpx.AsyncClient, wrote: Event
) -> None:
    link = (await client.get(at(wrote, "/attachments/0"))).json()
    assert (link["name"], link["size"]) == ("領収書 2026.pdf", len(RECEIPT))
    left = datetime.fromisoformat(link["expires_at"]) - system_clock()
    assert timedelta() < left <= timedelta(minutes=5)
    del client.headers["authorization"]
    answer = await client.get(link["url"])
    assert answer.content == RECEIPT
    headers = answer.headers
    assert headers["content-type"] == "application/pdf"
    assert headers["content-length"] == str(len(RECEIPT))
    assert headers["content-disposition"].startswith("attachment;")
    assert unquote(headers["content-disposition"].rpartition("''")[2]) == "領収書 2026.pdf"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    part = await client.get(link["url"], headers={"range": "bytes=15-29"})
    assert (part.status_code, part.content) == (206, RECEIPT[15:30])
    assert part.headers["content-range"] == f"bytes 15-29/{len(RECEIPT)}"
    beyond = await client.get(link["url"], headers={"range": f"bytes={len(RECEIPT)}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(RECEIPT)}")


async def test_the_html_of_a_mail_shows_its_pictures_by_links_and_runs_nothing(
    client: httpx.AsyncClient, wrote: Event
) -> None:
    answer = await client.get(at(wrote, "/html"))
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].endswith("; sandbox")
    assert "script" not in answer.text
    picture = answer.text.partition('<img src="')[2].partition('"')[0]
    shown = await client.get(picture)
    assert (shown.content, shown.headers["content-type"]) == (LOGO, "image/png")


async def test_an_original_wants_a_scope_of_its_own(
    client: httpx.AsyncClient, bearer: Bearer, wrote: Event
) -> None:
    assert (await client.get(at(wrote, "/original"))).status_code == 403
    link = (
        await client.get(at(wrote, "/original"), headers=bearer(scope="timeline:originals"))
    ).json()
    answer = await client.get(link["url"])
    assert (answer.content, answer.headers["content-type"]) == (RAW, "message/rfc822")
    assert link["name"] == f"{wrote.attributes.id}.eml"


async def test_nothing_of_an_unsent_message_can_be_had_also_by_links_made_before(
    client: httpx.AsyncClient, bearer: Bearer, wrote: Event, tell: Tell
) -> None:
    originals = bearer(scope="timeline:originals")
    before = [
        (await client.get(at(wrote, "/attachments/0"))).json()["url"],
        (await client.get(at(wrote, "/original"), headers=originals)).json()["url"],
    ]
    unsent = mail(
        minutes=1,
        kind=MessageKind.UNSEND,
        target="<order-1204@acme.example>",
        message_id="<unsend@acme.example>",
    )
    await tell(unsent)
    for path in (at(wrote, "/attachments/0"), at(wrote, "/html"), *before):
        assert (await client.get(path)).status_code == 410, path
    assert (await client.get(at(wrote, "/original"), headers=originals)).status_code == 410
    shown = (await client.get(at(wrote))).json()
    assert (shown["data"], shown["attachments"]) == (None, [])


async def test_what_is_not_there_or_another_tenants_cannot_be_had(
    client: httpx.AsyncClient, bearer: Bearer, wrote: Event, tell: Tell
) -> None:
    called = call()
    await tell(called)
    for path in (
        at(wrote, "/attachments/2"),  # said to lie where another tenant's files are
        at(wrote, "/attachments/3"),
        at(wrote, "/attachments/9"),
        at(called, "/attachments/0"),
        at(called, "/html"),
        f"/v1/entries/{NOBODY}",
    ):
        assert (await client.get(path)).status_code == 404, path
    for rest in ("", "/html", "/attachments/0"):
        answer = await client.get(at(wrote, rest), headers=bearer(tenant="globex"))
        assert answer.status_code == 404, rest


async def test_a_link_that_was_forged_or_is_over_opens_nothing(
    client: httpx.AsyncClient, wrote: Event
) -> None:
    keys = read_keys(LINK_KEYS)
    assert keys is not None
    location = f"files/{TENANT}/{sha256_hex(RECEIPT)[:2]}/{sha256_hex(RECEIPT)}"
    now = int(system_clock().timestamp())

    def link(tenant: str, expires: int, place: int = 0, where: str = location) -> str:
        made = FileLink("test", expires, tenant, wrote.attributes.id, place, where)
        return f"/v1/files/{keys.token(made)}"

    for url, code in [
        (link(TENANT, now + 60), 200),
        (link(TENANT, now - 1), 403),
        (link("globex", now + 60), 404),
        (link(TENANT, now + 60, 1), 404),
        (link(TENANT, now + 60, -1, "originals/x/1#4+10"), 404),
        (link(TENANT, now + 60)[:-2], 403),
        ("/v1/files/領収書", 403),
    ]:
        assert (await client.get(url)).status_code == code, url


@pytest.mark.parametrize(
    ("one", "other", "code"),
    [
        ({"privacy_key": "p" * 32}, {"privacy_key": "p" * 32}, 200),
        ({"link_keys": LINK_KEYS}, {"link_keys": f"new:{'n' * 32},{LINK_KEYS}"}, 200),
        ({"privacy_key": "p" * 32}, {"privacy_key": "q" * 32}, 403),
        ({}, {}, 403),
    ],
)
async def test_replicas_that_have_a_key_in_common_take_each_other_s_links(
    readers: Readers,
    signing_key: SigningKey,
    tmp_path: Path,
    bearer: Bearer,
    wrote: Event,
    one: dict[str, str],
    other: dict[str, str],
    code: int,
) -> None:
    async def asked(keys: dict[str, str], path: str) -> httpx.Response:
        told = {"jwks": str(signing_key.jwks), "objects": str(tmp_path / "objects"), **keys}
        settings = Settings.model_validate(told)
        transport = httpx.ASGITransport(surface(readers, settings, Health()))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://timeline", headers=bearer()
        ) as client:
            return await client.get(path)

    link = (await asked(one, at(wrote, "/attachments/0"))).json()["url"]
    assert (await asked(other, link)).status_code == code


async def test_an_original_of_another_account_is_not_handed_out(
    client: httpx.AsyncClient, bearer: Bearer, tell: Tell, objects: ObjectStore
) -> None:
    """Originals of all tenants lie side by side, and an event only says where its own is."""
    others = Original(provider="smtp", account="globex", received_at=after(0), body=b"secret")
    reference = await Originals(objects, "ingest_email", "test", system_clock).keep(others)
    for where, code in [(reference, 404), ("originals/x#4+9", 404), ("elsewhere", 404)]:
        told = mail(message_id=f"<{where}>", provider="smtp", account="support", raw_ref=where)
        await tell(told)
        link = await client.get(at(told, "/original"), headers=bearer(scope="timeline:originals"))
        assert (await client.get(link.json()["url"])).status_code == code, where


@pytest.fixture
async def talked(tell: Tell) -> None:
    """Two mail threads and a chat, of one person; the first thread goes on after the chat."""

    def of_thread(thread: str, minutes: float, text: str, **fields: Any) -> Event:
        name = f"<{thread}-{minutes}@example.jp>"
        key = Conversation(f"<{thread}@example.jp>")
        return mail(
            minutes=minutes, message_id=name, text=text, conversation=key, subject=thread, **fields
        )

    await tell(profile([HANAKO_MAIL, HANAKO_LINE]))
    await tell(
        of_thread("見積", 0, "見積をお願いします", direction=Direction.INBOUND),
        of_thread("解約", 1, "解約したい", direction=Direction.INBOUND),
        message(HANAKO_LINE, 2, "電源が入りません"),
        call(HANAKO_TEL, 3),
        of_thread("見積", 4, "お送りします"),
    )


@pytest.mark.usefixtures("talked")
async def test_conversations_stand_by_their_newest_message_and_are_read_from_their_beginning(
    client: httpx.AsyncClient,
) -> None:
    base = f"/v1/customers/{HANAKO}/conversations"
    page = (await client.get(base)).json()
    found = page["conversations"]
    assert [(one["subject"], one["channel"], one["entries"]) for one in found] == [
        ("見積", "email", 2),
        (None, "line", 1),
        ("解約", "email", 1),
    ]
    assert (page["next"], page["reaches"]) == (None, None)
    assert found[0]["id"] == str(conversation_ref("<見積@example.jp>"))
    assert found[0]["last"]["data"]["text"] == "お送りします"
    first = (await client.get(base, params={"limit": 2})).json()
    second = (await client.get(base, params={"limit": 2, "before": first["next"]})).json()
    assert first["conversations"] + second["conversations"] == found
    thread = f"{base}/{found[0]['id']}"
    page = (await client.get(thread, params={"limit": 1})).json()
    rest = (await client.get(thread, params={"limit": 5, "after": page["next"]})).json()
    texts = [entry["data"]["text"] for entry in page["entries"] + rest["entries"]]
    assert (texts, rest["next"]) == (["見積をお願いします", "お送りします"], None)
    as_of = {"until": after(3).isoformat()}
    assert [one["subject"] for one in (await client.get(base, params=as_of)).json()["conversations"]] == [
        None, "解約", "見積",
    ]  # fmt: skip


@pytest.mark.usefixtures("talked")
async def test_of_who_wrote_very_much_the_list_says_from_where_on_it_is_complete(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversations, "MOST_LOOKED_AT", 4)  # two of each contact
    base = f"/v1/customers/{HANAKO}/conversations"
    walked: list[list[str | None]] = []
    until: dict[str, str] = {}
    while True:
        page = (await client.get(base, params=until)).json()
        walked.append([one["subject"] for one in page["conversations"]])
        if page["reaches"] is None:
            break
        until = {"until": page["reaches"]}
    assert walked == [["見積", None], ["解約"], ["見積"]]


@pytest.mark.usefixtures("talked")
async def test_a_cursor_is_only_good_for_the_question_that_it_was_made_for(
    client: httpx.AsyncClient,
) -> None:
    base = f"/v1/customers/{HANAKO}"
    mails: dict[str, Any] = {"channel": ["email", "sms"], "limit": 1}
    cursor = (await client.get(f"{base}/timeline", params=mails)).json()["next"]
    again = {"channel": ["sms", "email", "sms"], "limit": 5, "before": cursor}
    assert (await client.get(f"{base}/timeline", params=again)).status_code == 200
    others: list[tuple[str, dict[str, Any]]] = [
        ("/timeline", {}),
        ("/timeline", {"channel": "email"}),
        ("/timeline", {"channel": ["email", "sms"], "kind": "message"}),
        ("/timeline", {"channel": ["email", "sms"], "as_of": after(9).isoformat()}),
        ("/conversations", {}),
    ]
    for path, question in others:
        answer = await client.get(base + path, params={**question, "before": cursor})
        assert answer.status_code == 400, question
        assert "other filters" in answer.json()["detail"]
    plain = (await client.get(f"{base}/timeline", params={"limit": 1})).json()["next"]
    answer = await client.get(f"{base}/conversations", params={"before": plain})
    assert answer.status_code == 400


@pytest.mark.usefixtures("talked")
async def test_the_timeline_is_filtered_and_shown_as_of_a_moment_over_http(
    client: httpx.AsyncClient,
) -> None:
    path = f"/v1/customers/{HANAKO}/timeline"

    async def kinds(**question: Any) -> list[tuple[str, str | None]]:
        answer = await client.get(path, params=question)
        assert answer.status_code == 200, answer.text
        return [(entry["kind"], entry["channel"]) for entry in answer.json()["entries"]]

    assert await kinds(channel=["line", "sms"]) == [("message", "line")]
    assert await kinds(direction="outbound") == [("message", "email")]
    assert await kinds(kind="call") == []
    span = {"from": after(1).isoformat(), "until": after(4).isoformat()}
    assert await kinds(**span) == [("message", "line"), ("message", "email")]
    learned = after(1).isoformat()
    assert (await client.get(path, params={"as_of": learned})).status_code in (200, 404)
    assert len(await kinds(as_of=after(100).isoformat())) == 4
    for wrong in ({"channel": ["x"] * 21}, {"kind": ""}, {"case": "x"}, {"as_of": "gestern"}):
        assert (await client.get(path, params=wrong)).status_code == 422, wrong
