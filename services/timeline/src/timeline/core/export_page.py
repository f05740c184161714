"""An export as a page that a person reads, in Japanese and English: no script, nothing fetched."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any
from urllib.parse import quote

import msgspec

from timeline.core.customers import CustomerView
from timeline.core.items import Item, ShownFile

_MOST_NAME = 80
_UNSAFE = re.compile(r"[^\w.\-]+")

HEAD = """<!doctype html>
<html lang="ja">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>保有個人データの開示 / Your data</title>
<style>
body { font: 16px/1.6 "Hiragino Sans", "Noto Sans JP", sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
article { border-top: 1px solid #ccc; padding: .6rem 0 }
article.outbound { padding-left: 2rem }
time, .what { color: #555; font-size: .85rem }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; margin: .3rem 0 }
table { border-collapse: collapse } td, th { text-align: left; padding: .1rem 1rem .1rem 0; vertical-align: top }
</style>
</head>
<body>
<h1>保有個人データの開示<br>Your data</h1>
<p>個人情報の保護に関する法律 第33条、GDPR 第15条・第20条による写しです。同じ内容が data.json に機械可読の形であります。<br>
A copy under article 33 of Japan's APPI and articles 15 and 20 of the GDPR. data.json has the same for machines.</p>
"""
TAIL = "</body>\n</html>\n"

_KINDS = {
    "message": "メッセージ / Message",
    "edit": "訂正 / Edit",
    "unsend": "送信取消 / Unsent",
    "reaction": "リアクション / Reaction",
    "call": "通話 / Call",
    "visit": "来店・訪問 / Visit",
    "purchase": "購入 / Purchase",
    "case.opened": "サポート案件の開始 / Case opened",
    "case.routed": "案件の振り分け / Case routed",
    "case.resolved": "案件の解決 / Case resolved",
    "case.reopened": "案件の再開 / Case reopened",
}
_DIRECTIONS = {"inbound": "受信 / from you", "outbound": "送信 / to you"}


def who(customer: CustomerView, made_at: datetime) -> str:
    """Return the part about who somebody is."""
    rows = [
        ("お名前 / Name", customer.name or "—"),
        ("言語 / Language", customer.language or "—"),
        ("区分 / Tier", customer.tier or "—"),
        ("会社 / Company", (customer.account and customer.account.name) or "—"),
        ("連絡先 / Contacts", "\n".join(line.contact for line in customer.contacts) or "—"),
        (
            "他システムの番号 / References",
            "\n".join(p.customer_ref for p in customer.profiles) or "—",
        ),
        (
            "契約 / Contracts",
            "\n".join(f"{one.contract_id} ({one.plan})" for one in customer.contracts) or "—",
        ),
        ("作成日時 / Made at", _moment(made_at)),
    ]
    lines = "".join(
        f"<tr><th>{escape(name)}</th><td><pre>{escape(value)}</pre></td></tr>\n"
        for name, value in rows
    )
    return f"<table>\n{lines}</table>\n<h2>履歴 / History</h2>\n"


def line(item: Item, files: Mapping[str, str]) -> str:
    """Return the part about one entry; `files` says where beside the page each file lies."""
    what = [_KINDS.get(item.kind, item.kind), item.channel, _DIRECTIONS.get(item.direction or "")]
    said = _said(item)
    parts = [
        f'<article class="{escape(item.direction or "other")}">',
        f"<time>{_moment(item.occurred_at)}</time> ",
        f'<span class="what">{escape(" · ".join(one for one in what if one))}</span>',
        *(f"<pre>{escape(text)}</pre>" for text in said),
        *(_file(file, files) for file in item.attachments),
        "</article>\n",
    ]
    return "\n".join(parts)


def file_name(number: int, name: str) -> str:
    """Return where a file lies beside the page: its own name, without what could lead elsewhere."""
    cleaned = _UNSAFE.sub("_", name).strip("._") or "file"
    return f"files/{number:06d}-{cleaned[-_MOST_NAME:]}"


def _file(file: ShownFile, files: Mapping[str, str]) -> str:
    name = escape(file.name)
    place = files.get(file.location or "")
    if place is None:
        return f'<p class="what">{name} — 保管していません / not held by us</p>'
    return f'<p><a href="{quote(place)}" download>{name}</a></p>'


def _said(item: Item) -> Sequence[str]:
    if item.unsent_at is not None:
        return ("(送信が取り消されました / unsent)",)
    if item.versions:
        last = item.versions[-1]
        return [text for text in (last.subject, last.text) if text]
    data: Any = msgspec.json.decode(item.data) if item.data is not None else {}
    if not isinstance(data, dict):
        return ()
    found = (data.get(name) for name in ("subject", "summary", "text", "comment"))
    return [text for text in found if isinstance(text, str) and text]


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
