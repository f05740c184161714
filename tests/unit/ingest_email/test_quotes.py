"""What a person wrote: our own Japanese replies, and the cases that rules get wrong first."""

from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from ingest_email.core.html_text import html_to_text
from ingest_email.core.quotes import reply_text

SAMPLES = Path(__file__).parents[2] / "samples" / "mail"
REPLIES = sorted((SAMPLES / "replies-ja" / "mails").iterdir())
OTHERS = sorted((SAMPLES / "reply-trimmer" / "emails").glob("*.txt"))


@pytest.mark.parametrize("path", REPLIES, ids=lambda path: path.stem)
def test_a_japanese_reply_is_exactly_what_its_writer_wrote(path: Path) -> None:
    written = (path.parents[1] / "replies" / path.with_suffix(".txt").name).read_text("utf-8")
    mail = path.read_text("utf-8")
    text = html_to_text(mail) if path.suffix == ".html" else mail
    assert reply_text(text).strip() == written.strip()


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.stem)
def test_replies_in_other_languages(path: Path) -> None:
    written = (path.parents[1] / "trimmed" / path.name).read_text("utf-8")
    assert "".join(reply_text(path.read_text("utf-8")).split()) == "".join(written.split())


@pytest.mark.parametrize(
    ("introduction", "quoted"),
    [
        ("On Thu, Jan 15, 2026 at 9:30 AM Support <support@acme.example> wrote:", "> a"),
        ("Am 15.01.2026 um 09:30 schrieb Support <support@acme.example>:", "> a"),
        ("Le jeu. 15 janv. 2026 à 09:30, Support <support@acme.example> a écrit :", "> a"),
        ("El jue, 15 ene 2026 a las 9:30, Support (<support@acme.example>) escribió:", "> a"),
        (
            "Il giorno gio 15 gen 2026 alle ore 09:30 Support <support@acme.example> ha scritto:",
            "> a",
        ),
        ("Em qui., 15 de jan. de 2026 às 09:30, Support <support@acme.example> escreveu:", "> a"),
        ("Op do 15 jan 2026 om 09:30 schreef Support <support@acme.example>:", "> a"),
        ("Den tors 15 jan. 2026 kl 09:30 skrev Support <support@acme.example>:", "> a"),
        ("czw., 15 sty 2026 o 09:30 Support <support@acme.example> napisał(a):", "> a"),
        ("чт, 15 янв. 2026 г. в 09:30, Support <support@acme.example> написал:", "> a"),
        ("Support <support@acme.example> 于2026年1月15日周四 09:30写道：", "> a"),
        ("Support <support@acme.example> 於 2026年1月15日 週四 上午9:30寫道：", "> a"),
        ("2026년 1월 15일 (목) 오전 9:30, Support <support@acme.example>님이 작성:", "> a"),
        ("2026年1月15日(木) 9:30 サポート <support@acme.example>:", "a"),
        ("-----Ursprüngliche Nachricht-----\nVon: Support\nGesendet: heute\nBetreff: x", "a"),
        (
            "De : Support <support@acme.example>\nEnvoyé : jeudi 15 janvier 2026 09:30\nÀ : Taro\nObjet : x",
            "a",
        ),
        ("发件人: Support\n发送时间: 2026年1月15日 9:30\n收件人: Taro\n主题: x", "a"),
        ("보낸 사람: Support\n보낸 날짜: 2026-01-15\n받는 사람: Taro\n제목: x", "a"),
        ("*From:* Support\n*Sent:* today\n*To:* Taro\n*Subject:* x", "a"),
        ("----- Forwarded by Taro/Acme -----\n\nold", "a"),
    ],
)
def test_introductions_that_mail_programs_write(introduction: str, quoted: str) -> None:
    assert reply_text(f"Answer\n\n{introduction}\n\n{quoted}\n") == "Answer"


@pytest.mark.parametrize(
    "text",
    [
        "From: Tokyo\nTo: Osaka\nTwo tickets please",
        "He wrote: nothing.\nShe answered.",
        "Please see the list:\na\nb",
        "On 15 January 2026 I ordered the following items:\n\n" + "x" * 380 + "\nwrote:",
        "Call me.\n______\nIt is urgent. Please!\nThank you",
        "Totals\n-----\n1\n2\n-----\nThank you for the quick help.",
        "1\n----\n2\n----\n3",
    ],
)
def test_what_only_resembles_a_quote_or_a_signature_stays(text: str) -> None:
    assert reply_text(text) == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Hello\n____\nTaro", "Hello"),
        ("Hello\n-- \n" + "Taro\n" * 3, "Hello"),
        ("Hello\n=====\nsold. Really?\n=====\nTaro taro@example.jp", "Hello\n=====\nsold. Really?"),
        ("Taro wrote:\n> a\n\nmine", "> a\n\nmine"),
        ("On 1/1/2026 a@b.c wrote:\nold\n\nmine", "old\n\nmine"),
        ("x\n\nOn 1/1/2026 a@b.c wrote:\n> a\nOn 1/1/2025 c@d.e wrote:\n>> b", "x"),
        ("a\n2016-03-03 17:21 GMT+01:00 Taro\n\nb", "a"),
        ("Mail me: a@b.c\nOn 1/1/2026 c@d.e wrote:\n> x", "Mail me: a@b.c"),
        ("はい\nFrom: a\nTo: b\nSubject: c\n\nold", "はい"),
        ("yes On 1/1/2026 a@b.c wrote:\n> x", "yes On 1/1/2026 a@b.c wrote:"),
        (
            "yes\n転送されたメッセージ:\n\n> 件名: x\n> old\n\nbelow",
            "yes\n\n> 件名: x\n> old\n\nbelow",
        ),
        ("Begin forwarded message:\n\n> old", "Begin forwarded message:\n\n> old"),
        ("-- \nTaro\n\n> old\nbelow", "--\nTaro\n\n> old\nbelow"),
        ("", ""),
    ],
)
def test_cases_between_the_rules(text: str, written: str) -> None:
    assert reply_text(text) == written


LINES = st.lists(
    st.sampled_from(
        [
            "> a",
            ">> On 1/1/2026 a@b.c wrote:",
            "--",
            "____",
            "On 1/1/2026 a@b.c wrote:",
            "On 1/1/2026",
            "a@b.c",
            "wrote:",
            "Am 1.1.2026 schrieb Taro:",
            "2026年1月15日(木) 9:30 サポート <support@acme.example>:",
            "2026/1/15 Taro <taro@example.jp>",
            "text",
            "Taro taro@example.jp",
            "",
            "From: a",
            "To: b",
            "Date: c",
            "差出人: サポート",
            "送信日時: 2026年1月15日 9:30",
            "件名: ご案内",
            "-----Original Message-----",
            "---------- Forwarded message ---------",
            "転送されたメッセージ:",
            "iPhoneから送信",
            "です。",
        ]
    ),
    max_size=30,
)


def is_part(lines: list[str], whole: list[str]) -> bool:
    remaining = iter(whole)
    return all(line in remaining for line in lines)


@given(LINES)
def test_a_reply_is_made_of_lines_of_the_text_in_their_order(lines: list[str]) -> None:
    written = reply_text("\n".join(lines))
    assert is_part(written.split("\n"), lines) or not written


@given(LINES)
def test_looking_again_takes_nothing_more_away(lines: list[str]) -> None:
    written = reply_text("\n".join(lines))
    assert reply_text(written) == written


@given(st.sampled_from(["返金してください。", "Hi <b>", "Yes", "１"]), LINES)
def test_words_above_the_first_quote_are_never_lost(own: str, lines: list[str]) -> None:
    assert reply_text("\n".join([own, *lines])).startswith(own)


def test_introductions_folded_beyond_what_anybody_writes_stay() -> None:
    folded = "x" + "\nTaro wrote:" * 20
    assert reply_text(folded) == folded


@given(st.text())
def test_no_text_is_too_odd(text: str) -> None:
    written = reply_text(text)
    assert reply_text(written) == written
