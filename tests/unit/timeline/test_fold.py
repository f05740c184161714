"""A page shows each message with all that was later said of it, however that came."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import msgspec
from hypothesis import given, strategies as st
from msgspec.structs import replace
from tests.unit.timeline.telling import (
    HANAKO_LINE,
    HANAKO_TEL,
    after,
    call,
    change,
    entry,
    mail,
    message,
    report,
    status,
    stored,
)

from common.core.cloudevents import Event
from common.core.delivery import DeliveryStatus
from common.core.events import Attachment, AttachmentState, Direction, MessageKind, Party
from common.core.ids import derived_id
from timeline.core.entry import Entry
from timeline.core.fold import present
from timeline.core.items import Item, Version
from timeline.core.pages import Page, found_before, page

RECEIPT = Attachment(
    name="領収書.jpg", media_type="image/jpeg", state=AttachmentState.STORED, size=48213
)


def history(*told: Event) -> list[Entry]:
    return [entry(event, offset) for offset, event in enumerate(told)]


def shown(entries: list[Entry]) -> tuple[Item, ...]:
    listed = [one for one in entries if one.listed]
    return present(listed, [one for one in entries if one.about])


def only_message(*told: Event) -> Item:
    [item] = [item for item in shown(history(*told)) if item.kind == MessageKind.MESSAGE]
    return item


def test_the_newest_comes_first_and_everything_is_shown_as_it_stood() -> None:
    told = message(attachments=(RECEIPT,)), call(minutes=2)
    newest, oldest = shown(history(*told))
    assert (newest.kind, oldest.kind) == ("call", "message")
    assert newest.data == msgspec.Raw(told[1].value)
    assert oldest.data == msgspec.Raw(told[0].value)
    assert [file.name for file in oldest.attachments] == [RECEIPT.name]
    assert oldest.versions == ()
    assert oldest.delivery is None


def test_of_the_same_instant_what_was_acknowledged_later_is_newer() -> None:
    first, second = (message(message_id=name, text=name) for name in ("m1", "m2"))
    newest, oldest = shown(history(first, second))
    assert (newest.id, oldest.id) == (second.attributes.id, first.attributes.id)


def test_a_delivery_status_only_moves_forward() -> None:
    sent = message(direction=Direction.OUTBOUND)
    item = only_message(
        status(DeliveryStatus.READ, 3),
        status(DeliveryStatus.SENT, 4),
        sent,
        status(DeliveryStatus.DELIVERED, 2),
        status(DeliveryStatus.READ, 9),
    )
    assert item.delivery is not None
    assert item.delivery.status is DeliveryStatus.READ
    assert item.delivery.since == after(3)


def test_a_failure_says_why() -> None:
    sent = message(direction=Direction.OUTBOUND)
    item = only_message(sent, status(DeliveryStatus.FAILED, 1, error="30008"))
    assert item.delivery is not None
    assert (item.delivery.status, item.delivery.error_code) == (DeliveryStatus.FAILED, "30008")


def test_an_edited_message_has_all_its_wordings_and_the_last_one_counts() -> None:
    wrote = message(text="注文番号は1204です")
    late = change(MessageKind.EDIT, "m1", 2, "注文番号は1240です")
    early = change(MessageKind.EDIT, "m1", 1, "注文番号は1224です")
    item = only_message(late, wrote, early)
    assert item.versions == (
        Version(wrote.attributes.id, after(0), None, "注文番号は1204です"),
        Version(early.attributes.id, after(1), None, "注文番号は1224です"),
        Version(late.attributes.id, after(2), None, "注文番号は1240です"),
    )
    assert item.data == msgspec.Raw(wrote.value)


def test_an_unsent_message_is_not_shown_and_neither_are_its_edits() -> None:
    told = (
        change(MessageKind.UNSEND, "m1", 5),
        message(text="間違えました", attachments=(RECEIPT,)),
        change(MessageKind.EDIT, "m1", 1, "間違えました!"),
    )
    items = shown(history(*told))
    assert [item.kind for item in items] == ["unsend", "edit", "message"]
    for item in items:
        assert item.unsent_at == after(5)
        assert item.data is None
        assert item.attachments == ()
        assert item.versions == ()


def test_an_edit_whose_message_never_came_is_still_shown() -> None:
    [item] = shown(history(change(MessageKind.EDIT, "before-our-time", 1, "届きましたか")))
    assert item.kind == "edit"
    assert item.data is not None


def test_nobody_can_amend_what_another_contact_wrote() -> None:
    wrote, forged = history(message(), change(MessageKind.UNSEND, "m1", 1))
    foreign = replace(forged, contact=HANAKO_TEL)
    [item] = present([wrote], [foreign])
    assert item.unsent_at is None


def test_a_page_says_where_the_next_one_begins_only_if_there_is_one() -> None:
    newest_first = sorted(
        history(*(call(minutes=minute) for minute in range(4))),
        key=lambda one: one.moment,
        reverse=True,
    )
    assert page(found_before(newest_first, 4), []).next is None
    first = page(found_before(newest_first, 3), [])
    assert len(first.entries) == 3
    assert first.next is not None
    assert page(found_before([], 3), []) == Page((), None)


MINUTES = st.integers(0, 5)
POINTER = Attachment(
    name="領収書.jpg", media_type="image/jpeg", state=AttachmentState.REMOTE, provider_ref="x"
)


def pointing(minute: int) -> Event:
    return message(
        minutes=minute, message_id=f"m{minute}", text=f"{minute}番", attachments=(POINTER,)
    )


def reacted(minute: int, **fields: object) -> Event:
    return change(MessageKind.REACTION, f"m{minute % 3}", minute, "👍🎉"[minute % 2], **fields)


TELLINGS: dict[str, Callable[..., Event]] = {
    "message": pointing,
    "edit": lambda minute: change(MessageKind.EDIT, f"m{minute % 3}", minute, f"訂正{minute}"),
    "edit of the edit": lambda minute: change(MessageKind.EDIT, f"edit{minute % 3}", minute, "再"),
    "unreadable edit": lambda minute: change(MessageKind.UNSUPPORTED, f"m{minute % 3}", minute),
    "unsend": lambda minute: change(MessageKind.UNSEND, f"m{minute % 3}", minute),
    "reaction": lambda minute: reacted(minute, message_id=f"r{minute}"),
    "reaction taken back": lambda minute: reacted(
        minute, message_id=f"u{minute}", attributes={"action": "unreact"}
    ),
    "another's reaction": lambda minute: reacted(
        minute, message_id=f"o{minute}", sender=Party(HANAKO_TEL)
    ),
    "status": lambda minute: status(
        list(DeliveryStatus)[minute % 5], minute, message_id=f"m{minute % 3}"
    ),
    "file": lambda minute: stored(pointing(minute % 3), minute),
    "file refused": lambda minute: stored(
        pointing(minute % 3), minute, AttachmentState.REFUSED, reason="gone"
    ),
    "our mail": lambda minute: mail(
        HANAKO_LINE, minute % 2, message_id=f"<{minute % 3}@a.example>"
    ),
    "bounce": lambda minute: report(
        MessageKind.BOUNCE, minute, HANAKO_LINE, report="bounce", bounce_status="5.1.1"
    ),
    "receipt": lambda minute: report(
        MessageKind.SYSTEM, minute, HANAKO_LINE, report="receipt", disposition="displayed"
    ),
    "call": lambda minute: call(HANAKO_LINE, minute),
}
EVENTS = st.lists(st.tuples(st.sampled_from(sorted(TELLINGS)), MINUTES), max_size=14)


@given(EVENTS, st.data())
def test_any_order_and_repetition_of_events_gives_the_same_page(
    told: list[tuple[str, int]], data: st.DataObject
) -> None:
    entries = history(*(TELLINGS[kind](minute) for kind, minute in dict.fromkeys(told)))
    again = data.draw(st.lists(st.sampled_from(entries))) if entries else []
    shuffled = data.draw(st.permutations(entries + again))
    assert shown(shuffled) == shown(entries)


def as_taro(entry: Entry) -> Entry:
    """Return the same words of somebody else, about his own messages."""

    def his(name: UUID) -> UUID:
        return derived_id("taro", str(name))

    return replace(
        entry,
        contact=HANAKO_TEL,
        event_id=his(entry.event_id),
        message=entry.message and his(entry.message),
        about=entry.about and his(entry.about),
    )


@given(EVENTS, EVENTS, st.data())
def test_two_contacts_interleaved_anyhow_have_the_pages_they_have_alone(
    one: list[tuple[str, int]], other: list[tuple[str, int]], data: st.DataObject
) -> None:
    hanako = history(*(TELLINGS[kind](minute) for kind, minute in dict.fromkeys(one)))
    taro = [
        as_taro(entry)
        for entry in history(*(TELLINGS[kind](minute) for kind, minute in dict.fromkeys(other)))
    ]
    mixed = data.draw(st.permutations(hanako + taro))
    assert [item for item in shown(mixed) if item.contact == HANAKO_LINE] == list(shown(hanako))


def test_an_event_that_the_bus_has_twice_lies_where_it_came_first() -> None:
    wrote = message()
    first, again = entry(wrote, 3), entry(wrote, 9)
    other = entry(message(message_id="m2"), 5)
    assert [item.id for item in present([again, other, first], [])] == [
        other.event_id,
        first.event_id,
    ]


def test_a_later_delivery_with_a_time_of_its_own_is_the_same_event() -> None:
    wrote = entry(message(), 3)
    again = replace(wrote, occurred_at=wrote.occurred_at + timedelta(minutes=1))
    assert len(present([wrote, again], [])) == 1
