"""Retention's arithmetic, the access log's chain, links to exports, and the page that is exported."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from hypothesis import given, strategies as st
from msgspec.structs import replace
from tests.unit.timeline.telling import HANAKO_LINE, call, change, message

from common.core.erasure import Marker
from common.core.events import (
    Account,
    Attachment,
    AttachmentState,
    Contract,
    CustomerChanged,
    Direction,
    MessageKind,
)
from timeline.core.access import BEGINNING, Access, chained, first_broken
from timeline.core.customers import ContactLine, customer_view
from timeline.core.entry import Position
from timeline.core.export_link import is_good, signature
from timeline.core.export_page import HEAD, TAIL, file_name, line, who
from timeline.core.fold import present
from timeline.core.items import Item
from timeline.core.recording import entry_of
from timeline.core.retention import RetentionRule, cuts, whole_before

NOW = datetime(2026, 11, 24, 3, tzinfo=UTC)
KEY = "0123456789abcdef0123456789abcdef"
HOSTILE = "<script>alert('名前')</script><img src=x onerror=alert(1)>"


def test_rules_say_what_is_over_and_any_stands_for_any() -> None:
    rules = [RetentionRule("*", "sms", 365), RetentionRule("call", "*", 30)]
    sms, calls = cuts(rules, NOW)
    assert (sms.kind, sms.channel, sms.before) == (None, "sms", NOW - timedelta(365))
    assert (calls.kind, calls.channel) == ("call", None)
    assert whole_before((sms, calls)) is None
    everything = cuts([*rules, RetentionRule("*", "*", 90), RetentionRule("*", "*", 60)], NOW)
    assert whole_before(everything) == NOW - timedelta(60)


def access(number: int, **fields: object) -> Access:
    given: dict[str, object] = {
        "tenant": "acme",
        "at": NOW,
        "subject": "tanaka",
        "route": "GET /v1/customers",
        "customer": UUID(int=number) if number % 2 else None,
        "request_id": "",
    }
    return Access(**(given | fields))  # type: ignore[arg-type]  # names of its own


@given(st.integers(1, 12), st.integers(0, 11), st.sampled_from(["change", "drop"]))
def test_a_record_that_is_changed_or_missing_breaks_the_chain_where_it_was(
    length: int, place: int, how: str
) -> None:
    whole = chained(map(access, range(length)), 0, BEGINNING)
    assert first_broken(whole) is None
    place %= length
    if how == "change":
        whole[place] = replace(whole[place], access=access(place, subject="sato"))
        assert first_broken(whole) == place + 1
    else:
        del whole[place]
        assert first_broken(whole) == (place + 1 if place < length - 1 else None)


def test_a_chain_goes_on_where_it_ended() -> None:
    first = chained([access(1)], 0, BEGINNING)
    more = chained([access(2)], first[-1].sequence, first[-1].hash)
    assert first_broken([*first, *more]) is None
    assert first_broken(more, 1, first[-1].hash) is None


def test_a_link_is_good_for_one_export_of_one_tenant_until_its_end() -> None:
    marker, export, end = Marker(KEY), UUID(int=7), int(NOW.timestamp()) + 60
    made = signature(marker, "acme", export, end)
    assert is_good(marker, "acme", export, end, made, NOW)
    assert not is_good(marker, "globex", export, end, made, NOW)
    assert not is_good(marker, "acme", UUID(int=8), end, made, NOW)
    assert not is_good(marker, "acme", export, end + 1, made, NOW)
    assert not is_good(marker, "acme", export, end, made, NOW + timedelta(seconds=60))


def item(event: object, *more: object) -> Item:
    entries = [entry_of(one, Position(0, 0, n), NOW, "JP") for n, one in enumerate((event, *more))]  # type: ignore[arg-type]  # events
    known = [one for one in entries if one is not None]
    return present(known[:1], known[1:])[0]


def test_nothing_that_somebody_wrote_is_markup_on_the_page() -> None:
    profile = CustomerChanged(
        customer_ref=HOSTILE,
        contacts=(HANAKO_LINE,),
        changed_at=NOW,
        name=HOSTILE,
        account=Account(HOSTILE, HOSTILE),
        contracts=(Contract(contract_id=HOSTILE, plan=HOSTILE, starts_at=NOW),),
    )
    view = customer_view(UUID(int=1), NOW, [ContactLine(HOSTILE, NOW, shared=False)], [profile], [])
    attached = Attachment(name=HOSTILE, media_type="text/html", state=AttachmentState.REMOTE)
    shown = who(view, NOW) + line(item(message(text=HOSTILE, attachments=(attached,))), {})
    assert "<script" not in shown
    assert "<img" not in shown
    assert shown.count("&lt;script&gt;") == 8
    assert "script" not in HEAD + TAIL
    assert "default-src 'none'" in HEAD


def test_a_customer_of_whom_little_is_known_has_dashes() -> None:
    bare = who(customer_view(UUID(int=1), NOW, [], [], []), NOW)
    assert bare.count("—") == 7


def test_the_page_shows_words_as_they_stand_now_and_files_beside_it() -> None:
    edited = item(message(text="納期は?"), change(MessageKind.EDIT, "m1", 1, "納期はいつですか?"))
    assert "納期はいつですか?" in line(edited, {})
    assert "納期は?" not in line(edited, {})
    unsent = item(message(text="秘密"), change(MessageKind.UNSEND, "m1", 1))
    assert "秘密" not in line(unsent, {})
    attached = Attachment(
        name="見積 書.pdf", media_type="application/pdf", state=AttachmentState.STORED, location="k"
    )
    shown = line(item(message(attachments=(attached,))), {"k": "files/000001-見積.pdf"})
    assert 'href="files/000001-%E8%A6%8B%E7%A9%8D.pdf"' in shown
    assert "納期" in line(item(call(minutes=3)), {})
    assert 'class="outbound"' in line(item(message(direction=Direction.OUTBOUND)), {})
    assert "<pre>" not in line(replace(item(message()), data=msgspec.Raw(b"[1]")), {})


def test_a_file_beside_the_page_leads_nowhere_else() -> None:
    assert file_name(1, "../../etc/passwd") == "files/000001-etc_passwd"
    assert file_name(2, "見積書 (最終).pdf") == "files/000002-見積書_最終_.pdf"
    assert file_name(3, "..") == "files/000003-file"
    assert len(file_name(4, "長" * 500)) < 100
