"""A decision as tables that a supervisor reads."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from common.core.cases import ContractTrial, Decision, QueueTrial, RuleTrial
from router.core.wording import Language


class Labels(Struct, frozen=True, kw_only=True):
    """The words around a decision."""

    decision: str
    continuity: dict[str, str]
    case: str
    customer: str
    queue: str
    plan: str
    no_contract: str
    first_response: str
    resolution: str
    rank: str
    rank_is: str
    decided_at: str
    contracts: str
    priority: str
    skills: str
    rules: str
    queues: str
    why: str
    points: str
    level: str
    total: str


EN = Labels(
    decision="Decision",
    continuity={
        "opened": "opens a case",
        "joined": "joins its case",
        "reopened": "reopens its case",
    },
    case="case",
    customer="customer",
    queue="queue",
    plan="plan",
    no_contract="no contract",
    first_response="first response due",
    resolution="resolution due",
    rank="rank",
    rank_is="{due} less {credit} for {points} points; earliest first",
    decided_at="decided at",
    contracts="Contracts",
    priority="Priority",
    skills="Skills asked for",
    rules="Rules",
    queues="Queues",
    why="why",
    points="points",
    level="level",
    total="total",
)
JA = Labels(
    decision="判断",
    continuity={"opened": "案件を開く", "joined": "案件に加わる", "reopened": "案件を再開する"},
    case="案件",
    customer="顧客",
    queue="キュー",
    plan="プラン",
    no_contract="契約なし",
    first_response="初回応答の期限",
    resolution="解決の期限",
    rank="順位",
    rank_is="{due} から {points} 点の分 {credit} を引いた時刻(早い順)",
    decided_at="判断の時刻",
    contracts="契約",
    priority="優先度",
    skills="必要なスキル",
    rules="ルール",
    queues="キューの検討",
    why="理由",
    points="点",
    level="レベル",
    total="合計",
)
LABELS: dict[Language, Labels] = {"en": EN, "ja": JA}

Trial = RuleTrial | QueueTrial | ContractTrial


def decision_tables(decision: Decision, language: Language, zone: ZoneInfo) -> RenderableType:
    """Return a decision for people; times are shown in `zone`."""
    say = LABELS[language]
    return Group(_summary(decision, say, zone), *_parts(decision, say))


def _summary(decision: Decision, say: Labels, zone: ZoneInfo) -> Table:
    def local(at: datetime) -> str:
        return at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")

    rank_is = say.rank_is.format(
        due=local(decision.first_response_due),
        credit=decision.first_response_due - decision.rank,
        points=decision.priority,
    )
    rows = {
        say.case: f"{decision.case_id} ({say.continuity[decision.continuity]})",
        say.customer: _named(str(decision.customer), decision.customer_ref, decision.tier),
        say.queue: f"{decision.queue} — {decision.queue_reason}",
        say.plan: _named(decision.plan, decision.contract or say.no_contract),
        say.first_response: local(decision.first_response_due),
        say.resolution: local(decision.resolution_due),
        say.rank: f"{local(decision.rank)} = {rank_is}",
        say.decided_at: f"{local(decision.decided_at)} {zone} · {decision.rules_version[:12]}",
    }
    table = Table(title=say.decision, box=box.ROUNDED, show_header=False, title_justify="left")
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for label, value in rows.items():
        table.add_row(label, Text(value))
    return table


def _parts(decision: Decision, say: Labels) -> Iterator[Table]:
    if decision.contracts:
        yield _trials(say.contracts, say, ((trial.contract, trial) for trial in decision.contracts))
    priority = _table(say.priority, "", say.points, say.why)
    for part in decision.priority_parts:
        priority.add_row(Text(part.name), f"{part.points:+d}", Text(part.reason))
    priority.add_row(say.total, f"{decision.priority:+d}", "", style="bold")
    yield priority
    if decision.skills:
        skills = _table(say.skills, "", say.level, say.why)
        for need in decision.skills:
            skills.add_row(Text(need.skill), f"≥ {need.level}", Text(need.reason))
        yield skills
    if decision.rules:
        yield _trials(say.rules, say, ((trial.rule, trial) for trial in decision.rules))
    if decision.queues:
        yield _trials(say.queues, say, ((trial.queue, trial) for trial in decision.queues))


def _trials(title: str, say: Labels, trials: Iterable[tuple[str, Trial]]) -> Table:
    table = _table(title, "", "", say.why)
    for name, trial in trials:
        good = trial.matched if isinstance(trial, RuleTrial) else trial.accepted
        table.add_row(
            "✓" if good else "·", Text(name), Text(trial.reason), style="" if good else "dim"
        )
    return table


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _named(name: str, *more: str | None) -> str:
    known = ", ".join(word for word in more if word)
    return f"{name} ({known})" if known else name
