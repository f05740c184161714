"""What a supervisor gets over HTTP: exact figures in his own time zone, beside what he set out to reach."""

import csv
import io
from itertools import count
from typing import Any

import httpx
import jsonschema
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.timeline.conftest import Bearer, on_the_bus
from tests.unit.timeline.figures_telling import Case, agent_changed, told_by_all
from tests.unit.timeline.telling import after, message

from common.core.events import Channel
from common.core.surveys import Question
from common.core.work import Target
from common.edges.problems import tell_problems
from common.edges.tokens import TokenVerifier
from local_stack.tokens import SigningKey
from timeline.edges.figures_api import figure_routes
from timeline.edges.figures_examples import ASKED_TARGET, FIGURES, SHEET, TARGET
from timeline.edges.figures_follow import FiguresFollower
from timeline.edges.figures_targets_api import figure_target_routes
from timeline.edges.openapi import document_structs
from timeline.settings import Settings

DAY = {"from": "2026-03-02", "until": "2026-03-03"}  # 10:00 in Tokyo is minute 0


@pytest.fixture
def scope() -> str:
    return "figures:read figures:write"


@pytest.fixture
def app(reader: AsyncEngine, writer: AsyncEngine, signing_key: SigningKey) -> FastAPI:
    settings = Settings(jwks=str(signing_key.jwks))
    verifier = TokenVerifier(settings.jwks, settings.issuer, settings.audience)
    app = FastAPI()
    app.include_router(figure_routes(reader, verifier, lambda: after(60 * 24), "Asia/Tokyo"))
    app.include_router(figure_target_routes(reader, writer, verifier, lambda: after(0)))
    tell_problems(app)
    document_structs(app)
    return app


@pytest.fixture
async def told(writer: AsyncEngine) -> None:
    """Four cases of 返品 that were answered after 60, 120, 360 and 3600 s; one of 請求, unanswered."""
    cases = [
        Case(str(minutes))
        .opened(0, queue="返品")
        .taken(1)
        .answered(minutes, first=True, in_time=minutes <= 30)
        .resolved(minutes + 1)
        for minutes in (1, 2, 6, 60)
    ]
    cases[0].surveyed(3).rated(4, 5).surveyed(3, Question.NPS).rated(5, 10, Question.NPS)
    cases[1].surveyed(4).rated(5, 2).surveyed(4, Question.NPS).rated(6, 3, Question.NPS)
    cases[2].reopened(20, queue="返品")
    waiting = Case("waiting").opened(5, Channel.EMAIL, "請求")
    waiting.breached(Target.FIRST_RESPONSE, 65)
    events = [*told_by_all([*cases, waiting]), agent_changed("sato", "一課", -10)]
    events += [message(minutes=n, message_id=f"m{n}") for n in (0, 14, 16, 31)]
    async with writer.begin() as connection:
        await FiguresFollower("JP")(connection, on_the_bus(events, count()))


async def ask(client: httpx.AsyncClient, figure: str, **asked: Any) -> list[dict[str, Any]]:
    answer = await client.get("/v1/figures", params={"figure": figure, **DAY, **asked})
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["rows"]
    return rows


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize(
    ("figure", "counted", "value"),
    [
        ("cases_opened", 5, 5),
        ("cases_resolved", 4, 4),
        ("cases_reopened", 1, 1),
        ("messages_received", 4, 4),
        ("messages_sent", 0, 0),
        ("response_rate", 5, 80),
        ("reopen_rate", 4, 25),
        ("sla_first_response", 5, 60),
        ("sla_resolution", 4, 100),
        ("sla_kept", 9, 100 * 7 / 9),
        ("csat", 2, 50),
        ("nps", 2, 0),
        ("survey_response_rate", 4, 100),
    ],
)
async def test_each_figure_of_a_day_is_what_its_definition_says(
    client: httpx.AsyncClient, figure: str, counted: int, value: float
) -> None:
    [row] = await ask(client, figure)
    assert (row["count"], row["values"]) == (counted, {"value": value})
    assert row["start"] == "2026-03-02T00:00:00+09:00"
    assert row["end"] == "2026-03-03T00:00:00+09:00"


@pytest.mark.usefixtures("told")
async def test_durations_have_a_mean_and_exact_percentiles(client: httpx.AsyncClient) -> None:
    [row] = await ask(client, "first_response_time")
    assert row["count"] == 4
    assert row["values"] == {"mean": 1035, "median": 120, "p90": 3600}
    [row] = await ask(client, "resolution_time")  # the one that was reopened is not resolved
    assert row["values"] == {"mean": (120 + 180 + 3660) / 3, "median": 180, "p90": 3660}


@pytest.mark.usefixtures("told")
async def test_figures_are_told_apart_by_every_dimension(client: httpx.AsyncClient) -> None:
    rows = await ask(client, "response_rate", by="queue,channel,team,agent,plan,hour")
    assert [(row["by"], row["values"]["value"]) for row in rows] == [
        (
            {
                "queue": "請求",
                "channel": "email",
                "team": None,
                "agent": None,
                "plan": "standard",
                "hour": 10,
            },
            0,
        ),
        (
            {
                "queue": "返品",
                "channel": "line",
                "team": "一課",
                "agent": "sato",
                "plan": "standard",
                "hour": 10,
            },
            100,
        ),
    ]


@pytest.mark.usefixtures("told")
async def test_only_members_that_are_asked_for_count(client: httpx.AsyncClient) -> None:
    [row] = await ask(client, "cases_opened", queue=["請求", "解約"])
    assert row["count"] == 1
    [row] = await ask(client, "cases_opened", agent="")
    assert row["count"] == 1
    [row] = await ask(client, "cases_opened", team="二課")
    assert row["count"] == 0


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize(
    ("zone", "hours"),
    [
        ("Asia/Tokyo", [(10, 3), (10, 1)]),
        ("Asia/Kolkata", [(6, 3), (7, 1)]),  # 06:30 when it is 10:00 in Tokyo
        ("Asia/Kathmandu", [(6, 2), (7, 2)]),  # 06:45
    ],
)
async def test_hours_are_right_in_zones_that_begin_at_other_minutes(
    client: httpx.AsyncClient, zone: str, hours: list[tuple[int, int]]
) -> None:
    rows = await ask(client, "messages_received", by="hour", tz=zone)
    counts: dict[int, int] = {}
    for hour, n in hours:
        counts[hour] = counts.get(hour, 0) + n
    assert {row["by"]["hour"]: row["count"] for row in rows} == counts


@pytest.mark.usefixtures("told")
async def test_a_period_in_which_nothing_happened_has_a_row_without_a_rate(
    client: httpx.AsyncClient,
) -> None:
    rows = await ask(client, "csat", until="2026-03-04")
    assert [row["values"]["value"] for row in rows] == [50, None]
    assert [row["complete"] for row in rows] == [True, False]
    rows = await ask(client, "first_response_time", until="2026-03-04", period="total")
    assert [row["count"] for row in rows] == [4]
    [_, row] = await ask(client, "first_response_time", until="2026-03-04")
    assert row["values"] == {"mean": None, "median": None, "p90": None}


async def set_target(client: httpx.AsyncClient, **asked: Any) -> dict[str, Any]:
    given = {"figure": "first_response_time", "statistic": "median", "period": "day"} | asked
    answer = await client.put("/v1/figures/targets", json=given)
    assert answer.status_code == 200, answer.text
    target: dict[str, Any] = answer.json()
    return target


@pytest.mark.usefixtures("told")
async def test_a_target_is_shown_beside_its_figure_and_whether_it_is_kept(
    client: httpx.AsyncClient,
) -> None:
    everybody = await set_target(client, target=60)
    returns = await set_target(client, target=300, dimension="queue", member="返品")
    assert await set_target(client, target=60) == everybody
    await set_target(client, target=1, since="2026-04-01")
    [row] = await ask(client, "first_response_time")
    assert row["targets"] == {"median": {"id": everybody["id"], "target": 60, "kept": False}}
    [row] = await ask(client, "first_response_time", by="queue")
    assert row["targets"] == {"median": {"id": returns["id"], "target": 300, "kept": True}}
    [row] = await ask(client, "first_response_time", queue="返品", by="channel")
    assert row["targets"]["median"]["id"] == returns["id"]
    [row] = await ask(client, "first_response_time", period="week")
    assert row["targets"] == {}
    listed = (await client.get("/v1/figures/targets")).json()["targets"]
    assert len(listed) == 3
    for target in listed:
        gone = await client.delete(f"/v1/figures/targets/{target['id']}")
        assert gone.status_code == 204
        again = await client.delete(f"/v1/figures/targets/{target['id']}")
        assert again.status_code == 404
    [row] = await ask(client, "first_response_time")
    assert row["targets"] == {}


async def test_a_sheet_opens_in_a_japanese_spreadsheet_and_runs_nothing(
    client: httpx.AsyncClient, writer: AsyncEngine
) -> None:
    names = ['=HYPERLINK("http://x")', "+81", "＝1+1", '返品,"至急"']
    events = told_by_all([Case(name).opened(0, queue=name) for name in names])
    async with writer.begin() as connection:
        await FiguresFollower("JP")(connection, on_the_bus(events, count()))
    asked = {"figure": "cases_opened", **DAY, "by": "queue", "format": "csv", "bom": "true"}
    answer = await client.get("/v1/figures", params=asked)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "cases_opened-2026-03-02" in answer.headers["content-disposition"]
    assert answer.content.startswith(b"\xef\xbb\xbffigure,")
    assert answer.content.count(b"\r\n") == 5
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    shown = {row["queue"] for row in rows}
    assert shown == {"'" + name for name in names[:3]} | {names[3]}
    assert {(row["count"], row["value"], row["kept_value"]) for row in rows} == {("1", "1", "")}


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"figure": "messages_sent", "by": "agent"}, "not told apart by agent"),
        ({"figure": "messages_sent", "queue": "返品"}, "not told apart by queue"),
        ({"figure": "csat", "tz": "Asia/Edo"}, "no such time zone"),
        ({"figure": "csat", "until": "2026-03-02"}, "until"),
        ({"figure": "csat", "until": "2036-03-02"}, "at most 1100 days"),
        ({"figure": "csat", "period": "hour", "until": "2026-12-02"}, "at most 100 days"),
        ({"figure": "csat", "by": "moon"}, "by"),
        ({"figure": "happiness"}, "figure"),
        # Liberia kept 44 minutes and 30 seconds apart from UTC until 1972.
        ({"figure": "csat", "from": "1970-06-01", "until": "1970-06-02", "tz": "Africa/Monrovia"}, "quarters"),
    ],
)  # fmt: skip
async def test_what_cannot_be_answered_is_refused_in_a_sentence(
    client: httpx.AsyncClient, asked: dict[str, str], why: str
) -> None:
    answer = await client.get("/v1/figures", params={**DAY, **asked})
    assert answer.status_code == 422
    assert why in answer.json()["detail"]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"statistic": "value"}, "mean, median, p90"),
        ({"period": "total"}, "does not come again"),
        ({"dimension": "queue"}, "go together"),
        (
            {
                "figure": "messages_sent",
                "statistic": "value",
                "dimension": "team",
                "member": "一課",
            },
            "not told apart by team",
        ),
        ({"target": "fast"}, "target"),
    ],
)
async def test_a_target_that_no_row_can_have_is_refused(
    client: httpx.AsyncClient, changed: dict[str, str], why: str
) -> None:
    given = {"figure": "first_response_time", "statistic": "p90", "period": "day", "target": 1}
    answer = await client.put("/v1/figures/targets", json=given | changed)
    assert answer.status_code == 422
    assert why in answer.json()["detail"]


@pytest.mark.usefixtures("told")
async def test_other_tenants_have_other_figures_and_targets(
    client: httpx.AsyncClient, bearer: Bearer
) -> None:
    target = await set_target(client, target=60)
    theirs = bearer("globex")
    client.headers.update(theirs)
    [row] = await ask(client, "cases_opened")
    assert row["count"] == 0
    assert (await client.get("/v1/figures/targets")).json() == {"targets": []}
    assert (await client.delete(f"/v1/figures/targets/{target['id']}")).status_code == 404


async def test_who_may_read_may_not_set(client: httpx.AsyncClient, bearer: Bearer) -> None:
    client.headers.update(bearer(scope="figures:read"))
    assert (await client.get("/v1/figures/targets")).status_code == 200
    assert (await client.put("/v1/figures/targets", json={})).status_code == 403
    client.headers.update(bearer(scope="figures:write"))
    assert (await client.get("/v1/figures/targets")).status_code == 403
    assert (await client.get("/v1/figures", params={"figure": "csat", **DAY})).status_code == 403


def test_the_document_shows_answers_that_fit_its_schemas(app: FastAPI) -> None:
    document = app.openapi()
    schemas = {"components": document["components"]}
    for name, example in (("FiguresAnswer", FIGURES), ("TargetView", TARGET)):
        jsonschema.validate(example, {"$ref": f"#/components/schemas/{name}", **schemas})
    asked = document["components"]["schemas"]["AskedTarget"]
    jsonschema.validate(ASKED_TARGET, {**asked, **schemas})
    header, line = csv.reader(io.StringIO(SHEET, newline=""))
    assert len(header) == len(line)
