"""What a tool gets over HTTP: its own tenant's customers, in the documented shapes, and problems."""

from typing import Any
from uuid import UUID, uuid5

import httpx
import jsonschema
import pytest
from fastapi import FastAPI
from tests.integration.timeline.conftest import Bearer, Tell
from tests.unit.timeline.telling import (
    HANAKO_LINE,
    HANAKO_MAIL,
    HANAKO_TEL,
    START,
    call,
    change,
    message,
    profile,
    status,
)

from common.core.delivery import DeliveryStatus
from common.core.events import (
    Account,
    Attachment,
    AttachmentState,
    Contract,
    Direction,
    MessageKind,
)
from common.core.ids import NAMESPACE, customer_id
from common.edges.database import create_reader_engine
from common.edges.service import Health
from common.edges.sessions import Questions
from local_stack.tokens import SigningKey
from timeline.core.cursor import NEWEST, read_cursor, write_cursor
from timeline.edges.examples import CONVERSATIONS, CUSTOMER, ENTRY, FILE_LINK, PAGE
from timeline.edges.readers import Readers
from timeline.settings import Settings
from timeline.wiring import SERVICE, surface

HANAKO = customer_id("acme", HANAKO_LINE)
RECEIPT = Attachment(
    name="領収書.jpg", media_type="image/jpeg", state=AttachmentState.STORED, size=48213
)


@pytest.fixture
async def hanako(tell: Tell) -> None:
    await tell(
        message(HANAKO_LINE, 0, attachments=(RECEIPT,)),
        change(MessageKind.EDIT, "m1", 1, "電源は入りました。"),
        message(HANAKO_LINE, 2, "承知しました。", message_id="m2", direction=Direction.OUTBOUND),
        status(DeliveryStatus.READ, 3, message_id="m2"),
        call(HANAKO_TEL, 4),
    )
    await tell(
        profile(
            [HANAKO_LINE, HANAKO_TEL, HANAKO_MAIL],
            name="鈴木 花子",
            tier="gold",
            language="ja",
            account=Account("A-77", "株式会社あおぞら"),
            contracts=(Contract(contract_id="K-1", plan="standard", starts_at=START),),
        )
    )


@pytest.mark.usefixtures("hanako")
@pytest.mark.parametrize(
    "contact",
    [
        HANAKO_LINE,
        HANAKO_TEL,
        "tel:090-1234-5678",
        "tel:0081 90-1234-5678",
        "email:Hanako.Suzuki@EXAMPLE.jp",
    ],
)
async def test_a_customer_is_found_by_any_contact_however_written(
    client: httpx.AsyncClient, contact: str
) -> None:
    answer = await client.get("/v1/customers", params={"contact": contact})
    assert answer.status_code == 200
    found = answer.json()
    assert found["id"] == str(HANAKO)
    assert (found["name"], found["tier"], found["language"]) == ("鈴木 花子", "gold", "ja")
    assert found["account"]["name"] == "株式会社あおぞら"
    assert [one["contract_id"] for one in found["contracts"]] == ["K-1"]
    assert {one["contact"] for one in found["contacts"]} == {HANAKO_LINE, HANAKO_TEL, HANAKO_MAIL}


@pytest.mark.usefixtures("hanako")
@pytest.mark.parametrize("named", ["", "before=1", "before=", "before=" + 300 * "x"])
async def test_a_plain_question_is_answered_as_one_that_names_the_rest_as_it_is_by_itself(
    client: httpx.AsyncClient, named: str
) -> None:
    for where in (str(HANAKO), str(UUID(int=7)), "鈴木"):
        path = f"/v1/customers/{where}/timeline"
        plain = await client.get(f"{path}?{named}")
        whole = await client.get(f"{path}?{named}&limit=50")
        assert (plain.status_code, plain.json()) == (whole.status_code, whole.json())
    first = (await client.get(f"/v1/customers/{HANAKO}/timeline?limit=2")).json()
    second = (await client.get(f"/v1/customers/{HANAKO}/timeline?before={first['next']}")).json()
    assert len(first["entries"]) == 2
    assert not {one["id"] for one in first["entries"]} & {one["id"] for one in second["entries"]}


@pytest.mark.usefixtures("hanako")
@pytest.mark.parametrize(
    ("authorization", "refused"),
    [("", 401), ("Bearer ", 401), ("Basic eA==", 401), ("Bearer x.y.z", 401)],
)
async def test_a_plain_question_without_a_good_token_is_refused(
    app: FastAPI, authorization: str, refused: int
) -> None:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://timeline") as client:
        path = f"/v1/customers/{HANAKO}/timeline"
        answer = await client.get(path, headers={"authorization": authorization})
        assert (answer.status_code, answer.headers["www-authenticate"]) == (refused, "Bearer")


@pytest.mark.usefixtures("hanako")
async def test_a_plus_that_a_client_forgot_to_escape_is_understood(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/v1/customers?contact=tel:+819012345678")
    assert answer.json()["id"] == str(HANAKO)


@pytest.mark.usefixtures("hanako")
async def test_a_merged_away_id_answers_with_the_survivor(client: httpx.AsyncClient) -> None:
    absorbed = customer_id("acme", HANAKO_MAIL)
    for path in (f"/v1/customers/{absorbed}", f"/v1/customers/{HANAKO}"):
        assert (await client.get(path)).json()["id"] == str(HANAKO)
    pages = [
        (await client.get(f"/v1/customers/{one}/timeline")).json() for one in (absorbed, HANAKO)
    ]
    assert pages[0] == pages[1]


@pytest.mark.usefixtures("hanako")
async def test_the_timeline_is_newest_first_with_what_was_later_said_of_each_message(
    client: httpx.AsyncClient,
) -> None:
    page = (await client.get(f"/v1/customers/{HANAKO}/timeline")).json()
    assert [entry["kind"] for entry in page["entries"]] == ["call", "message", "edit", "message"]
    assert page["next"] is None
    _, sent, _, wrote = page["entries"]
    assert sent["delivery"]["status"] == "read"
    assert [version["text"] for version in wrote["versions"]] == [
        "電源が入りません。",
        "電源は入りました。",
    ]
    assert wrote["attachments"][0]["name"] == "領収書.jpg"
    assert wrote["data"]["text"] == "電源が入りません。"


@pytest.mark.usefixtures("hanako")
async def test_next_leads_through_the_whole_history(client: httpx.AsyncClient) -> None:
    whole = (await client.get(f"/v1/customers/{HANAKO}/timeline")).json()["entries"]
    walked: list[Any] = []
    before: dict[str, str] = {}
    while True:
        page = (
            await client.get(f"/v1/customers/{HANAKO}/timeline", params={"limit": "1", **before})
        ).json()
        walked += page["entries"]
        if page["next"] is None:
            break
        before = {"before": page["next"]}
    assert walked == whole


@pytest.mark.usefixtures("hanako")
async def test_every_answer_is_what_the_document_says(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    document = app.openapi()
    for path, served in [
        (f"/v1/customers?contact={HANAKO_LINE}", "CustomerView"),
        (f"/v1/customers/{HANAKO}", "CustomerView"),
        (f"/v1/customers/{HANAKO}/timeline", "Page"),
        (f"/v1/customers/{HANAKO}/timeline?limit=2", "Page"),
        (f"/v1/customers/{uuid5(NAMESPACE, 'nobody')}", "Problem"),
        (f"/v1/customers/{HANAKO}/timeline?limit=0", "Problem"),
    ]:
        conforms((await client.get(path)).json(), served, document)


def conforms(body: Any, served: str, document: dict[str, Any]) -> None:
    schema = {"$ref": f"#/components/schemas/{served}", "components": document["components"]}
    jsonschema.validate(body, schema, jsonschema.Draft202012Validator)


def test_the_document_is_complete_and_its_examples_are_true(app: FastAPI) -> None:
    document = app.openapi()
    conforms(CUSTOMER, "CustomerView", document)
    conforms(PAGE, "Page", document)
    conforms(ENTRY, "KnownEntry", document)
    conforms(CONVERSATIONS, "Conversations", document)
    conforms(FILE_LINK, "FileAccess", document)
    assert write_cursor(read_cursor(PAGE["next"])) == PAGE["next"]
    for path in (
        "/v1/customers",
        "/v1/customers/{customer_id}",
        "/v1/customers/{customer_id}/timeline",
        "/v1/customers/{customer_id}/conversations",
        "/v1/customers/{customer_id}/conversations/{conversation_id}",
        "/v1/entries/{entry_id}",
        "/v1/entries/{entry_id}/attachments/{place}",
        "/v1/entries/{entry_id}/original",
    ):
        operation = document["paths"][path]["get"]
        assert operation["summary"]
        assert operation["security"]
        assert {"200", "401", "403", "404", "422", "503"} <= operation["responses"].keys()
        for answer in operation["responses"].values():
            [media] = answer["content"].values()
            assert media["schema"]["$ref"].rpartition("/")[2] in document["components"]["schemas"]
            assert media["example"]
        assert all(parameter["description"] for parameter in operation["parameters"])


PATHS = [
    f"/v1/customers?contact={HANAKO_LINE}",
    f"/v1/customers/{HANAKO}",
    f"/v1/customers/{HANAKO}/timeline",
    f"/v1/customers/{HANAKO}/timeline?kind=call",
    f"/v1/customers/{HANAKO}/conversations",
]


@pytest.mark.usefixtures("hanako")
@pytest.mark.parametrize("path", PATHS)
async def test_only_the_right_token_opens_and_another_tenant_finds_nobody(
    client: httpx.AsyncClient, bearer: Bearer, path: str
) -> None:
    del client.headers["authorization"]
    expected = [
        ({}, 401),
        ({"authorization": "Bearer forged"}, 401),
        (bearer(scope="routing:read"), 403),
        (bearer(tenant="globex"), 404),
        (bearer(), 200),
    ]
    for headers, code in expected:
        answer = await client.get(path, headers=headers)
        assert answer.status_code == code
        assert code == 200 or answer.headers["content-type"] == "application/problem+json"
        assert code != 401 or answer.headers["www-authenticate"] == "Bearer"


BAD_QUESTIONS = [
    ("/v1/customers", 422),
    ("/v1/customers?contact=", 422),
    ("/v1/customers?contact=hanako", 400),
    ("/v1/customers?contact=email:%00", 400),
    ("/v1/customers?contact=fax:0312345678", 400),
    ("/v1/customers?contact=email:nobody@example.jp", 404),
    ("/v1/customers/hanako", 422),
    (f"/v1/customers/{HANAKO}/timeline?limit=0", 422),
    (f"/v1/customers/{HANAKO}/timeline?limit=201", 422),
    (f"/v1/customers/{HANAKO}/timeline?limit=all", 422),
    (f"/v1/customers/{HANAKO}/timeline?before=", 400),
    (f"/v1/customers/{HANAKO}/timeline?before=%E6%98%A8%E6%97%A5", 400),
    (f"/v1/customers/{HANAKO}/timeline?before={'A' * 201}", 422),
    ("/v1/elsewhere", 404),
]


@pytest.mark.usefixtures("hanako")
async def test_a_bad_question_is_told_what_is_wrong_with_it(client: httpx.AsyncClient) -> None:
    for path, code in BAD_QUESTIONS:
        answer = await client.get(path)
        assert answer.status_code == code, path
        problem = answer.json()
        assert problem.keys() == {"type", "title", "status", "detail"}
        assert problem["status"] == code
        assert problem["detail"]


@pytest.mark.usefixtures("hanako")
async def test_a_cursor_of_the_end_of_time_is_the_first_page(client: httpx.AsyncClient) -> None:
    first = await client.get(f"/v1/customers/{HANAKO}/timeline")
    again = await client.get(f"/v1/customers/{HANAKO}/timeline?before={write_cursor(NEWEST)}")
    assert first.json() == again.json()


async def test_without_a_database_the_answer_is_to_try_again(
    signing_key: SigningKey, bearer: Bearer
) -> None:
    url = "postgresql://madoguchi@127.0.0.1:1/madoguchi"
    nowhere, questions = create_reader_engine(url, SERVICE), Questions(url, SERVICE)
    readers = Readers(nowhere, questions, nowhere)
    app = surface(readers, Settings(jwks=str(signing_key.jwks)), Health())
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://timeline", headers=bearer()
    ) as client:
        answers = [await client.get(f"/v1/customers/{HANAKO}{path}") for path in ("", "/timeline")]
    await nowhere.dispose()
    await questions.close()
    for answer in answers:
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.headers["content-type"] == "application/problem+json"
