"""Decisions and the timeline, as tables that a person enjoys reading."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

TOKYO = ZoneInfo("Asia/Tokyo")
CHANNELS = {"email": "✉  email", "sms": "☎  sms", "line": "◉  LINE"}
CONTINUITY = {"opened": "opens a case", "joined": "joins its open case", "reopened": "reopens"}


def decision_panel(title: str, decision: dict[str, Any]) -> Panel:
    """Return one decision with the reasons that mattered."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold cyan", no_wrap=True)
    table.add_column()
    table.add_row("queue", f"[bold]{decision['queue']}[/] — {decision['queue_reason']}")
    for trial in decision.get("queues", []):
        if not trial["accepted"]:
            table.add_row("", f"[dim]not {trial['queue']}: {trial['reason']}[/]")
    contract = decision.get("contract") or "none"
    table.add_row("contract", f"{contract}, plan [bold]{decision['plan']}[/]")
    for trial in decision.get("contracts", []):
        mark = "✓" if trial["accepted"] else "✗"
        table.add_row("", f"[dim]{mark} {trial['contract']}: {trial['reason']}[/]")
    parts = [f"{part['points']:+d} {part['reason']}" for part in decision.get("priority_parts", [])]
    table.add_row("priority", f"[bold]{decision['priority']}[/] = {', '.join(parts) or '0'}")
    skills = [
        f"{item['skill']} ≥ {item['level']} ({item['reason']})"
        for item in decision.get("skills", [])
    ]
    table.add_row("skill", ", ".join(skills) or "none asked for")
    for rule in decision.get("rules", []):
        if rule["matched"]:
            table.add_row("rule", f"{rule['rule']}: {rule['reason']}")
    table.add_row(
        "due",
        f"first response {_clock(decision['first_response_due'])}, "
        f"resolution {_clock(decision['resolution_due'])}",
    )
    story = CONTINUITY[decision["continuity"]]
    return Panel(table, title=f"[bold]{title}[/] {story}", title_align="left", box=box.ROUNDED)


def timeline_table(customer: dict[str, Any], entries: Sequence[dict[str, Any]]) -> Table:
    """Return the history, oldest first."""
    account = (customer.get("account") or {}).get("name", "")
    title = f"{account} {customer.get('name') or ''} — one customer, one timeline"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, row_styles=["", "dim"])
    for column in ("when (Tokyo)", "channel", "what"):
        table.add_column(column, no_wrap=column != "what")
    table.row_styles = []
    for entry in entries:
        channel = entry.get("channel") or ""
        table.add_row(_clock(entry["occurred_at"]), CHANNELS.get(channel, channel), _what(entry))
    return table


def show(*things: Any) -> None:
    """Print to the terminal, or 110 columns wide where there is none."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=110)
    for thing in things:
        console.print(thing)


def _what(entry: dict[str, Any]) -> Text:
    data, kind = entry["data"], entry["type"].removeprefix("io.madoguchi.")
    if kind in ("message.received", "message.sent"):
        body = data.get("text_reply") or data.get("text") or ""
        words = " ".join(body.split())
        files = "".join(f"  📎 {item['name']}" for item in entry.get("attachments", []))
        subject = f"{data['subject']} " if data.get("subject") else ""
        return Text.assemble((subject, "bold"), words, (files, "cyan"))
    if kind == "case.routed":
        decision = data["decision"]
        words = (
            f"→ queue {decision['queue']}, plan {decision['plan']}, priority {decision['priority']}"
        )
        return Text(words, style="green")
    if kind == "case.opened":
        return Text(f"case {data['case_id'][:8]} opened", style="green")
    return Text(
        " ".join((kind, *filter(None, [data.get("agent"), data.get("reason")]))), style="dim"
    )


def _clock(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone(TOKYO).strftime("%m-%d %H:%M:%S")
