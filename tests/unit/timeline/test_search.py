"""How texts and questions are compared, what is found of an entry, and what is shown of it."""

import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given, strategies as st
from tests.unit.timeline.telling import (
    START,
    call,
    change,
    entry,
    mail,
    message,
    report,
    status,
    stored,
    unknown,
)

from common.core.cases import CaseOpened, CaseRouted, Continuity, Decision
from common.core.cloudevents import Event
from common.core.delivery import DeliveryStatus
from common.core.events import Attachment, AttachmentState, Channel, MessageKind, Party
from timeline.core.amendments import Amendments
from timeline.core.search_cursor import (
    Order,
    SearchCursor,
    beginning,
    read_search_cursor,
    write_search_cursor,
)
from timeline.core.search_hits import Found, Piece, found_in
from timeline.core.search_query import Term, read_query, tenant_mark, tsquery
from timeline.core.search_text import EDGE, form, mapped_form, terms
from timeline.core.search_wording import Wording, case_of, names, plain, stands_alone, wording

# Japanese in all its widths, Thai and Korean with their marks, Latin with accents, signs, blanks.
written = st.text(
    st.sampled_from(
        "注文番号返品カガｶﾞﾟはばぱ々ー①㍻㈱ａＡaBé\u0301ßİไม่한\u1100\u1161가 　\n\t12٣-〜。'\\\"\ufe0f\u200b😢"
    ),
    max_size=30,
) | st.text(max_size=30)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ｶﾞｽﾚﾝｼﾞ", "ガスレンジ"),
        ("ＡＢＣ－１２０４", "abc-1204"),
        ("か\u3099す", "がす"),
        ("STRASSE", "straße"),
        ("注文\u3000番号\n\n", "注文 番号 "),
        ("辻\U000e0100", "辻"),
        ("㈱あおぞら", "(株)あおぞら"),
        ("090−1234", "090-1234"),
        ("１０〜１２時", "10～12時"),
        ("e\u0301", "É"),
        ("\u1112\u1161\u11ab", "한"),
        ("in\xadvoice", "invoice"),
    ],
)
def test_width_case_and_composition_do_not_matter(one: str, other: str) -> None:
    assert form(one) == form(other)


def test_hiragana_and_katakana_are_different_words() -> None:
    assert form("はし") != form("ハシ")


@given(written)
def test_the_way_back_belongs_to_the_same_form(text: str) -> None:
    mapped = mapped_form(text)
    assert mapped.text == form(text)
    assert len(mapped.starts) == len(mapped.text)
    assert list(mapped.starts) == sorted(mapped.starts)
    assert all(0 <= start < len(text) for start in mapped.starts)


@given(written)
def test_composed_and_decomposed_texts_have_one_form_where_unicode_says_they_are_equal(
    text: str,
) -> None:
    composed = unicodedata.normalize("NFC", text)
    assert form(unicodedata.normalize("NFC", unicodedata.normalize("NFD", text))) == form(composed)


@given(written, written)
def test_whatever_stands_in_a_text_has_all_its_terms_in_the_index(text: str, asked: str) -> None:
    try:
        query = read_query(asked)
    except ValueError:
        return
    held = terms(form(f"{text} {asked} {text}"))
    for term in query.terms:
        assert any(one.startswith(term.text) if term.prefix else one == term.text for one in held)


@given(written, written, written)
def test_the_words_of_a_text_are_found_in_it_and_shown_as_written(
    before: str, asked: str, rest: str
) -> None:
    try:
        query = read_query(asked)
    except ValueError:
        return
    text = f"{before} {asked} {rest}"
    found = found_in(Wording(text=text), query.needles)
    if all(needle in form(text) for needle in query.needles):
        [only] = found
        shown = "".join(piece.text for piece in only.pieces).strip("…")
        assert shown in text
        assert any(piece.match for piece in only.pieces)
    else:
        assert found == ()


@pytest.mark.parametrize(
    "asked", ["", "   ", '""', "返", "返 品", "x", '"返 品"', "aa ab ac ad ae af ag ah ai aj ak"]
)
def test_what_is_too_little_or_too_much_to_search_for_is_refused_with_the_reason(
    asked: str,
) -> None:
    with pytest.raises(ValueError, match=r"nothing|single character|more than"):
        read_query(asked)


@pytest.mark.parametrize(
    ("asked", "needles", "asked_of_the_index"),
    [
        ("返品", ["返品"], [Term("返品", prefix=False)]),
        ("返品 返品", ["返品"], [Term("返品", prefix=False)]),
        ("車 修理", ["車", "修理"], [Term("修理", prefix=False)]),
        ("Inv", ["|inv"], [Term("inv", prefix=True)]),
        ("a4", ["|a|4"], [Term("a", prefix=False)]),
        ("第1", ["第|1"], [Term("1", prefix=True)]),
        ("１号機", ["|1号機"], [Term("1", prefix=False), Term("号機", prefix=False)]),
        (
            "“order number” 返品",
            ["|order |number", "返品"],
            [Term("order", prefix=False), Term("number", prefix=True), Term("返品", prefix=False)],
        ),
        ("x" * 60, ["|" + "x" * 60], [Term("x" * 40, prefix=True)]),
        ("it's", ["|it'|s"], [Term("it", prefix=False)]),
    ],
)
def test_words_are_found_by_their_beginnings_and_everything_else_anywhere(
    asked: str, needles: Sequence[str], asked_of_the_index: Sequence[Term]
) -> None:
    query = read_query(asked)
    assert list(query.needles) == [needle.replace("|", EDGE) for needle in needles]
    assert list(query.terms) == list(asked_of_the_index)


def test_the_question_to_the_index_names_the_tenant_and_quotes_what_could_be_notation() -> None:
    mark = tenant_mark("acme")
    assert mark != tenant_mark("globex")
    query = read_query("返品 '\\ inv")
    assert tsquery(query, "acme") == f"'{mark}返品' & '{mark}''\\\\' & '{mark}inv':*"


def folded(*told: Event) -> Wording | None:
    entries = [entry(one, offset) for offset, one in enumerate(told)]
    return wording(entries[0], Amendments(entries))


FILE = Attachment(name="image.jpg", media_type="a/b", state=AttachmentState.REMOTE)


def test_an_entry_is_worded_as_it_stands_now() -> None:
    wrote = message(text="最初", sender=Party("line:1:a", "花子"), attachments=(FILE,))
    assert folded(wrote) == Wording("花子", None, ("image.jpg",), "最初")
    edited = folded(wrote, change(MessageKind.EDIT, "m1", 2, "次"), stored(wrote, 3))
    assert edited == Wording("花子", None, ("領収書.jpg",), "次")
    assert folded(wrote, change(MessageKind.UNSEND, "m1", 4)) is None
    assert folded(call(summary="納期")) == Wording(text="納期")
    assert folded(call(summary="")) is None
    assert folded(mail(subject="件名", text=None)) == Wording(None, "件名", (), None)


def test_changes_and_statuses_have_no_words_of_their_own_and_reports_do() -> None:
    for told in (
        change(MessageKind.EDIT, "m1", 1, "次"),
        change(MessageKind.REACTION, "m1", 1, "👍"),
        status(DeliveryStatus.READ, 1),
        stored(message(), 1),
        unknown("tel:+819012345678", b"{}"),
    ):
        assert not stands_alone(entry(told))
        assert folded(told) is None
    assert folded(report(MessageKind.BOUNCE, 1, report="bounce")) is not None


def test_a_form_has_a_line_for_each_field() -> None:
    words = Wording("花子", "件名\nです", ("ａ.pdf", "b.pdf"), None)
    assert plain(words).split("\n") == [
        "花子",
        "件名 です",
        f"{EDGE}a.{EDGE}pdf / {EDGE}b.{EDGE}pdf",
        "",
    ]


def test_a_message_is_known_by_the_names_of_all_its_edits_in_whatever_order() -> None:
    wrote = entry(message())
    edits = [
        entry(change(MessageKind.EDIT, "m2", 2, "三", message_id="m3"), 2),
        entry(change(MessageKind.EDIT, "m1", 1, "二", message_id="m2"), 1),
        entry(change(MessageKind.EDIT, "m9", 1, "他", message_id="m8"), 3),
    ]
    found = names([wrote, entry(call())], edits)
    known = {one.message for one in (wrote, *edits[:2])}
    assert {name for name, events in found.items() if events} == known
    assert all(found[name] == {wrote.event_id} for name in known if name)
    assert names([wrote], []) == {wrote.message: {wrote.event_id}}


def test_an_event_may_tell_the_case_of_a_message() -> None:
    opened = CaseOpened(
        case_id=UUID(int=1),
        contact="tel:+819012345678",
        conversation="c",
        channel=Channel.SMS,
        opened_at=START,
        message_event=UUID(int=2),
    )
    decision = Decision(
        message_event=UUID(int=3),
        case_id=UUID(int=1),
        continuity=Continuity.JOINED,
        contact="tel:+819012345678",
        customer=UUID(int=4),
        queue="q",
        queue_reason="default",
        plan="standard",
        contract=None,
        priority=0,
        rank=START,
        first_response_due=START,
        resolution_due=START,
        decided_at=START,
        rules_version="v",
    )
    told = message()
    assert case_of(told) is None
    assert case_of(Event(told.attributes, opened, b"{}")) == (UUID(int=2), UUID(int=1))
    routed = CaseRouted(case_id=UUID(int=1), decision=decision)
    assert case_of(Event(told.attributes, routed, b"{}")) == (UUID(int=3), UUID(int=1))


def test_only_what_is_near_the_first_place_is_shown_and_places_that_touch_are_one() -> None:
    long = Wording(text="あ" * 100 + "返品交換" + "い" * 300 + "返品")
    [found] = found_in(long, ["返品", "交換"])
    assert found == Found(
        "text",
        (
            Piece("…", match=False),
            Piece("あ" * 40, match=False),
            Piece("返品交換", match=True),
            Piece("い" * 80, match=False),
            Piece("…", match=False),
        ),
    )


def test_a_character_that_reads_as_two_is_shown_whole() -> None:
    [found] = found_in(Wording(text="㍻元年"), ["平成"])
    assert found.pieces == (Piece("㍻", match=True), Piece("元年", match=False))


def test_nothing_is_found_where_a_word_is_missing() -> None:
    assert found_in(Wording(subject="返品"), ["返品", "交換"]) == ()


@given(
    st.sampled_from(Order), st.integers(0, 100), st.datetimes(timezones=st.just(UTC)), st.uuids()
)
def test_a_cursor_comes_back(order: Order, rank: int, at: datetime, event: UUID) -> None:
    cursor = SearchCursor(order, rank, at, event)
    assert read_search_cursor(write_search_cursor(cursor), order) == cursor


@pytest.mark.parametrize("bad", ["", "!", "lNb_awPJfAEEzQSj", "あ"])
def test_what_is_no_cursor_of_this_search_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        read_search_cursor(bad, Order.NEWEST)
    with pytest.raises(ValueError, match="order"):
        read_search_cursor(write_search_cursor(beginning(Order.BEST)), Order.NEWEST)
