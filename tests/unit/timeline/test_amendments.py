"""What is said of a message later shows at the message, and only what its parties may say."""

from collections.abc import Sequence

import pytest
from hypothesis import given, strategies as st
from tests.unit.timeline.telling import (
    HANAKO_LINE,
    HANAKO_MAIL,
    HANAKO_TEL,
    after,
    call,
    change,
    entry,
    mail,
    message,
    report,
    stored,
)

from common.core.cloudevents import Event
from common.core.delivery import DeliveryStatus
from common.core.events import (
    Attachment,
    AttachmentState,
    Channel,
    Direction,
    MessageKind,
    Party,
)
from timeline.core.amendments import spoken_of
from timeline.core.fold import present
from timeline.core.items import Item

POINTER = Attachment(
    name="image-1.jpg", media_type="image/*", state=AttachmentState.REMOTE, provider_ref="https://…"
)
TARO = "email:taro@example.jp"


def at_message(*told: Event) -> Item:
    """Return the line of the first event, with the others said of it."""
    entries = [entry(one, offset) for offset, one in enumerate(told)]
    [item] = present(entries[:1], entries[1:])
    return item


def reaction(
    minutes: float, text: str | None = "👍", action: str = "react", **fields: object
) -> Event:
    return change(
        MessageKind.REACTION, "m1", minutes, text, attributes={"action": action}, **fields
    )


def standing(item: Item) -> list[tuple[str, str | None]]:
    return [(one.contact, one.text) for one in item.reactions]


def test_a_file_that_was_fetched_takes_the_place_of_its_pointer() -> None:
    wrote = message(attachments=(POINTER, POINTER))
    item = at_message(wrote, stored(wrote, 2, position=1))
    pointer, file = item.attachments
    assert pointer.state is AttachmentState.REMOTE
    assert (file.state, file.name, file.media_type) == ("stored", "領収書.jpg", "image/jpeg")
    assert (file.size, file.location, file.reason) == (48213, "files/acme/ab", None)


def test_a_file_that_could_not_be_had_says_why() -> None:
    wrote = message(attachments=(POINTER,))
    [file] = at_message(wrote, stored(wrote, 2, AttachmentState.REFUSED, reason="gone")).attachments
    assert (file.state, file.reason) == (AttachmentState.REFUSED, "gone")


@pytest.mark.parametrize("refused_at", [1, 3])
def test_a_file_that_was_once_had_stays(refused_at: int) -> None:
    wrote = message(attachments=(POINTER,))
    refused = stored(wrote, refused_at, AttachmentState.REFUSED, reason="gone")
    [file] = at_message(wrote, refused, stored(wrote, 2)).attachments
    assert (file.state, file.reason) == (AttachmentState.STORED, None)


@pytest.mark.parametrize("position", [-1, 1])
def test_a_file_that_the_message_never_had_is_passed_over(position: int) -> None:
    wrote = message(attachments=(POINTER,))
    assert len(at_message(wrote, stored(wrote, 2, position=position)).attachments) == 1


def test_the_files_of_an_edit_stand_at_the_edit() -> None:
    wrote = message(attachments=(POINTER,))
    edited = change(MessageKind.EDIT, "m1", 1, "写真を差し替えました", attachments=(POINTER,))
    told = wrote, edited, stored(edited, 2)
    [of_message] = at_message(*told).attachments
    [of_edit] = at_message(edited, wrote, stored(edited, 2)).attachments
    assert (of_message.state, of_edit.state) == ("remote", "stored")


def test_a_reaction_taken_back_is_gone_and_another_s_stays() -> None:
    ours = reaction(1, "🙇", sender=Party("line:1657000000"), message_id="ours")
    item = at_message(message(), reaction(2), ours, reaction(3, action="unreact"))
    assert standing(item) == [("line:1657000000", "🙇")]
    assert item.reactions[0].at == after(1)


def test_a_reaction_without_an_emoji_takes_back_whatever_somebody_held() -> None:
    item = at_message(message(), reaction(1, "👍"), reaction(2, "🎉"), reaction(3, None))
    assert standing(item) == []


@pytest.mark.parametrize(
    ("channel", "held"),
    [
        (Channel.WHATSAPP, ["🎉"]),
        (Channel.MESSENGER, ["🎉"]),
        (Channel.INSTAGRAM, ["🎉"]),
        (Channel.TELEGRAM, ["🎉"]),
        (Channel.BLUESKY, ["👍", "🎉"]),
    ],
)
def test_a_new_reaction_replaces_the_old_one_where_only_one_is_held(
    channel: Channel, held: Sequence[str]
) -> None:
    told = (reaction(1, "👍", channel=channel), reaction(2, "🎉", channel=channel))
    item = at_message(message(channel=channel), *told)
    assert [one.text for one in item.reactions] == held


def test_whoever_sees_a_message_may_react_to_it() -> None:
    told = message(HANAKO_TEL, 1, "⭐", kind=MessageKind.REACTION, target="m1", message_id="r")
    assert standing(at_message(message(), told)) == [(HANAKO_TEL, "⭐")]


def test_an_edit_that_nobody_could_read_is_a_wording_without_text() -> None:
    item = at_message(message(), change(MessageKind.UNSUPPORTED, "m1", 1))
    assert [version.text for version in item.versions] == ["電源が入りません。", None]


def test_what_is_said_of_an_edit_by_its_own_id_is_said_of_the_message() -> None:
    edited = change(MessageKind.EDIT, "m1", 1, "電源が入りました。", message_id="m2")
    item = at_message(message(), edited, change(MessageKind.UNSEND, "m2", 2))
    assert item.unsent_at == after(2)


def test_edits_that_name_each_other_are_said_once() -> None:
    one = change(MessageKind.EDIT, "b", 1, "甲", message_id="a")
    other = change(MessageKind.EDIT, "a", 2, "乙", message_id="b")
    item = at_message(message(message_id="a"), one, other)
    assert [version.text for version in item.versions] == ["電源が入りません。", "甲", "乙"]


def test_the_provider_may_say_it_where_it_names_nobody() -> None:
    told = message(
        "line:1657000000:unknown", 1, kind=MessageKind.UNSEND, target="m1", message_id="d"
    )
    assert at_message(message(), told).unsent_at == after(1)


def test_we_may_take_back_what_we_wrote_ourselves() -> None:
    us = "x:2244994945"
    wrote = message(sender=Party(us), recipients=(Party(HANAKO_LINE),))
    told = message(us, 1, kind=MessageKind.UNSEND, target="m1", message_id="d")
    assert at_message(wrote, told).unsent_at == after(1)


def test_a_bounce_fails_the_mail_that_left_by_another_account_and_shows_why() -> None:
    bounced = report(
        MessageKind.BOUNCE,
        3,
        report="bounce",
        bounce_action="failed",
        bounce_status="5.1.1",
        bounce_recipient="Hanako.Suzuki@example.jp",
    )
    item = at_message(mail(), bounced)
    assert item.delivery is not None
    assert (item.delivery.status, item.delivery.error_code) == (DeliveryStatus.FAILED, "5.1.1")
    [shown] = item.reports
    assert (shown.event, shown.at) == (bounced.attributes.id, after(3))
    assert (shown.report, shown.recipients, shown.code) == ("bounce", (HANAKO_MAIL,), "5.1.1")


def test_a_mail_that_is_only_late_has_not_failed() -> None:
    late = report(MessageKind.BOUNCE, 3, report="bounce", bounce_action="delayed")
    item = at_message(mail(), late)
    assert item.delivery is None
    assert [one.report for one in item.reports] == ["bounce"]


def test_a_receipt_says_that_the_mail_was_read_and_a_relay_that_it_arrived() -> None:
    receipt = report(MessageKind.SYSTEM, 2, report="receipt", disposition="displayed")
    relayed = report(
        MessageKind.SYSTEM, 1, report="relayed", delivered_to="hanako.suzuki@example.jp"
    )
    read, arrived = at_message(mail(), relayed, receipt), at_message(mail(), relayed)
    assert read.delivery is not None
    assert arrived.delivery is not None
    assert (read.delivery.status, read.delivery.since) == (DeliveryStatus.READ, after(2))
    assert arrived.delivery.status is DeliveryStatus.DELIVERED
    assert [one.report for one in read.reports] == ["relayed", "receipt"]


@pytest.mark.parametrize(
    ("labels", "recipients"),
    [({}, ()), ({"complaint_recipient": "hanako.suzuki@example.jp"}, (HANAKO_MAIL,))],
)
def test_a_complaint_stands_at_the_mail_and_does_not_touch_its_delivery(
    labels: dict[str, str], recipients: tuple[str, ...]
) -> None:
    isp = "email:abuse@isp.example.jp"
    told = report(MessageKind.SYSTEM, 5, isp, report="complaint", complaint_type="abuse", **labels)
    item = at_message(mail(), told)
    assert item.delivery is None
    assert [(one.recipients, one.code) for one in item.reports] == [(recipients, "abuse")]


def test_a_bounce_speaks_of_every_recipient_that_it_names() -> None:
    bounced = report(
        MessageKind.BOUNCE,
        1,
        TARO,
        report="bounce",
        bounce_recipients="taro@example.jp, hanako.suzuki@example.jp, nobody",
    )
    assert at_message(mail(HANAKO_MAIL), bounced).reports[0].recipients == (HANAKO_MAIL, TARO)


def test_what_became_of_a_mail_at_another_recipient_is_not_shown() -> None:
    told = (
        report(MessageKind.BOUNCE, 1, TARO, report="bounce", bounce_recipient="taro@example.jp"),
        report(MessageKind.SYSTEM, 2, TARO, report="receipt", disposition="displayed"),
    )
    item = at_message(mail(HANAKO_MAIL), *told)
    assert (item.delivery, item.reports) == (None, ())


def test_a_note_of_the_platform_that_names_a_target_is_no_report() -> None:
    note = change(MessageKind.SYSTEM, "m1", 1, attributes={"event": "pinned"})
    assert at_message(message(), note).reports == ()


def test_a_change_names_the_message_that_it_speaks_of() -> None:
    wrote, edited = entry(message()), entry(change(MessageKind.EDIT, "m1", 1, "訂正"), 1)
    newest, oldest = present([wrote, edited], [edited])
    assert newest.message == oldest.message == wrote.message
    assert newest.versions == ()


def test_a_change_may_be_said_of_a_message_of_an_edit_s_own_id_and_of_its_files() -> None:
    wrote, called = entry(message()), entry(call())
    edited = entry(change(MessageKind.EDIT, "m1", 1, "訂正"))
    assert spoken_of([wrote, called]) == {wrote.message, wrote.event_id}
    assert spoken_of([edited]) == {wrote.message, edited.message, edited.event_id}


KINDS = st.sampled_from([MessageKind.REACTION, MessageKind.EDIT, MessageKind.UNSEND])


@given(st.lists(st.tuples(KINDS, st.integers(1, 9)), unique=True), st.data())
def test_a_stranger_s_words_change_nothing_but_reactions(
    told: list[tuple[MessageKind, int]], data: st.DataObject
) -> None:
    foreign = [
        message(HANAKO_TEL, minute, "😈", kind=kind, target="m1", message_id=f"{kind}{minute}")
        for kind, minute in told
    ]
    item = at_message(message(), *data.draw(st.permutations(foreign)))
    assert (item.unsent_at, item.versions) == (None, ())
    assert item.direction == Direction.INBOUND
    assert item.contact == HANAKO_LINE
