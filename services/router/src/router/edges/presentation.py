"""A decision as tables that a supervisor reads."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from common.core.cases import Continuity, ContractTrial, Decision, QueueTrial, RuleTrial
from common.core.events import Message
from router.core.counterfactual import Instead
from router.core.text import written
from router.core.why_words import answer_said, outcome_said
from router.core.wording import Language

MOST_TEXT = 200  # characters of a message


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
    rank_put_back: str
    rank_joined: str
    message: str
    language: str
    cause: str
    parts: dict[str, str]
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
    not_there: str
    cost: str
    if_only: str


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
    rank_put_back="{due} and {credit} more for {points} points; earliest first",
    rank_joined="the best that its messages gave it; earliest first",
    message="message",
    language="language",
    cause="decided anew",
    parts={"rule": "rule {name}"},
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
    not_there="Why not {queue}?",
    cost="size",
    if_only="it would have gone there if …",
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
    rank_put_back="{due} に {points} 点の分 {credit} を足した時刻(早い順)",
    rank_joined="案件のメッセージのうちもっとも早い時刻(早い順)",
    message="メッセージ",
    language="言語",
    cause="再判断の理由",
    parts={
        "plan": "プラン",
        "tier": "顧客区分",
        "words": "急ぎの言葉",
        "case": "案件",
        "rule": "ルール {name}",
    },
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
    not_there="{queue} にならなかったのは?",
    cost="大きさ",
    if_only="こうであれば入っていた",
)
LABELS: dict[Language, Labels] = {"en": EN, "ja": JA}

Trial = RuleTrial | QueueTrial | ContractTrial


def decision_tables(
    decision: Decision, language: Language, zone: ZoneInfo, message: Message | None = None
) -> RenderableType:
    """Return a decision for people, under the message it is about; times are shown in `zone`."""
    say = LABELS[language]
    return Group(_summary(decision, say, zone, message), *_parts(decision, say))


def instead_table(found: Instead, language: Language) -> RenderableType:
    """Return what would have led to another queue, the smallest change first."""
    say = LABELS[language]
    title = say.not_there.format(queue=found.queue)
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", show_header=False)
    if words := outcome_said(found, language):
        table.add_column()
        table.add_row(Text(words))
        return table
    table.show_header = True
    table.add_column(say.cost, justify="right")
    table.add_column(say.if_only, overflow="fold")
    for answer in found.answers:
        table.add_row(str(answer.cost), Text(answer_said(answer, language)))
    return table


def _summary(decision: Decision, say: Labels, zone: ZoneInfo, message: Message | None) -> Table:
    def local(at: datetime) -> str:
        return at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")

    rows = {
        say.message: _excerpt(message),
        say.case: f"{decision.case_id} ({say.continuity[decision.continuity]})",
        say.customer: _named(str(decision.customer), decision.customer_ref, decision.tier),
        say.language: decision.language or "",
        say.cause: decision.cause or "",
        say.queue: f"{decision.queue} — {decision.queue_reason}",
        say.plan: _named(decision.plan, decision.contract or say.no_contract),
        say.first_response: local(decision.first_response_due),
        say.resolution: local(decision.resolution_due),
        say.rank: f"{local(decision.rank)} = {_rank(decision, say, local)}",
        say.decided_at: f"{local(decision.decided_at)} {zone} · {say.rules} {decision.rules_version[:12]}",
    }
    table = Table(title=say.decision, box=box.ROUNDED, show_header=False, title_justify="left")
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for label, value in rows.items():
        if value:
            table.add_row(label, Text(value))
    return table


def _rank(decision: Decision, say: Labels, local: Callable[[datetime], str]) -> str:
    if decision.continuity is Continuity.JOINED:
        return say.rank_joined
    credit = decision.first_response_due - decision.rank
    sentence = say.rank_is if credit >= timedelta() else say.rank_put_back
    due = local(decision.first_response_due)
    return sentence.format(due=due, credit=abs(credit), points=decision.priority)


def _excerpt(message: Message | None) -> str:
    """Return who wrote what, where, in a line or a few."""
    if message is None:
        return ""
    text = " ".join(written(message).split())
    shown = text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}…"
    sender = message.sender.name or message.sender.contact
    return f"{sender} · {message.channel} · {message.kind}\n{shown}".strip()


def _parts(decision: Decision, say: Labels) -> Iterator[Table]:
    if decision.contracts:
        yield _trials(say.contracts, say, ((trial.contract, trial) for trial in decision.contracts))
    priority = _table(say.priority, "", say.points, say.why)
    for part in decision.priority_parts:
        priority.add_row(Text(_part(part.name, say)), f"{part.points:+d}", Text(part.reason))
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


def _part(name: str, say: Labels) -> str:
    kind, _, rest = name.partition(":")
    return say.parts.get(kind, name).format(name=rest)


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
