"""Who writes what in the demonstration."""

from datetime import datetime, timedelta
from typing import Any

from common.core.adapters import ChannelAccount
from common.core.events import (
    Account,
    Channel,
    Contract,
    Conversation,
    CustomerChanged,
    Direction,
    Message,
    MessageKind,
    Party,
)
from pretend.mail import Enclosure, japanese_mail

TENANT = "acme"
MAIL = "hanako.suzuki@aozora.example"
PHONE = "+819012345678"
LINE_USER = "U4af49806290123456789abcdef012345"

AGENT = "tanaka"
AGENT_PROFILE = {
    "name": "田中 一郎",
    "team": "重要顧客担当",
    "skills": {"network": 4, "japanese": 5},
    "queues": ["vip", "technical"],
    "capacity": 1,
}
REPLY = "株式会社あおぞら 鈴木様 田中です。回線側の障害を確認しました。30分以内に復旧します。"

CONTACTS = (f"email:{MAIL}", f"tel:{PHONE}", f"line:main:{LINE_USER}")

MAIL_SUBJECT = "【至急】ルーターの障害について"
MAIL_TEXT = """\
アクメ株式会社 サポート御中

いつもお世話になっております。株式会社あおぞらの鈴木です。
今朝から本社のルーターに障害が出ており、インターネットに接続できません。
ログを添付しますので、至急ご確認をお願いいたします。

{rule}
株式会社あおぞら 情報システム部
鈴木 花子
""".format(rule="-- ")
SMS_TEXT = "さきほどメールしたルーターの件です。まだつながりません。お電話ください。"
LINE_TEXT = "再起動してもエラーのランプが消えないです😢 何を確認すればいいですか？"
LOG = """\
2026-11-21 07:58:02 WAN リンクダウンを検出しました
2026-11-21 07:58:09 PPPoE 再接続に失敗しました (691)
"""


def profile(moment: datetime) -> CustomerChanged:
    """Return what the company's CRM knows of her: one person, three contacts, a premium contract."""
    return CustomerChanged(
        customer_ref="crm-1024",
        contacts=CONTACTS,
        changed_at=moment,
        name="鈴木 花子",
        account=Account("A-77", "株式会社あおぞら", ("aozora.example",)),
        tier="vip",
        language="ja",
        contracts=(
            Contract(
                contract_id="K-2026-0077",
                plan="premium",
                starts_at=moment - timedelta(days=200),
                ends_at=moment + timedelta(days=165),
            ),
            Contract(
                contract_id="K-2024-0012",
                plan="standard",
                starts_at=moment - timedelta(days=900),
                ends_at=moment - timedelta(days=200),
            ),
        ),
    )


def reply(offered: dict[str, Any], message_id: str, moment: datetime) -> Message:
    """Return the agent's answer to the case that he was offered."""
    contact, channel = offered["contact"], Channel(offered["channel"])
    return Message(
        message_id=message_id,
        kind=MessageKind.MESSAGE,
        direction=Direction.OUTBOUND,
        channel=channel,
        provider="desk",
        account="main",
        sender=Party("app:acme:tanaka", "田中 一郎"),
        recipients=(Party(contact, "鈴木 花子"),),
        conversation=Conversation(offered["conversation"]),
        received_at=moment,
        text=REPLY,
    )


def mail(mailbox: ChannelAccount, message_id: str, moment: datetime) -> bytes:
    """Return her mail in ISO-2022-JP, with a log file whose name is Japanese."""
    return japanese_mail(
        MAIL,
        "鈴木 花子",
        mailbox.addresses[0],
        MAIL_SUBJECT,
        MAIL_TEXT,
        message_id,
        moment,
        [Enclosure("ルーターのログ.txt", "text/plain", LOG.encode("shift_jis"))],
    )
