"""Which folder is read, how far, and what becomes of a mail that is left in it."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace

from common.core.adapters import ChannelAccount, Draft, Original
from common.core.delivery import DeliveryStatus
from common.core.events import Channel, Message, MessageKind, MessageStatus, Party
from ingest_email.core.folders import (
    OVERSIZE,
    Cursor,
    Folder,
    FolderError,
    Login,
    Protection,
    folder_of,
    further,
    is_oversize,
    parsing_what_was_fetched,
    resume,
    still_to_come,
)
from ingest_email.core.limits import MESSAGE_BYTES
from ingest_email.core.message import parse

ACCOUNT = ChannelAccount(tenant="acme", provider="imap", account="support")
UIDS = st.integers(1, 2**32 - 1)


def account(**options: str) -> ChannelAccount:
    return replace(ACCOUNT, options=options)


def test_a_host_and_a_user_are_enough() -> None:
    assert folder_of(account(host="imap.example.jp", user="support@example.jp")) == Folder(
        host="imap.example.jp", user="support@example.jp", port=993
    )


def test_every_option_is_read() -> None:
    assert folder_of(
        account(
            host="imap.example.jp",
            user="support",
            port="1143",
            folder="受信箱/問い合わせ",
            tls="starttls",
            ca_file="/run/ca.pem",
            login="xoauth2",
            token_file="/run/token",
            since="2026-01-01",
        )
    ) == Folder(
        host="imap.example.jp",
        user="support",
        port=1143,
        folder="受信箱/問い合わせ",
        tls=Protection.STARTTLS,
        ca_file="/run/ca.pem",
        login=Login.XOAUTH2,
        token_file="/run/token",
        since=date(2026, 1, 1),
    )


@pytest.mark.parametrize(("protection", "port"), [("tls", 993), ("starttls", 143), ("none", 143)])
def test_the_port_follows_from_the_protection(protection: str, port: int) -> None:
    assert folder_of(account(host="localhost", user="a", tls=protection)).port == port


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"host": "imap.example.jp"},
        {"host": "imap.example.jp", "user": "a", "port": "many"},
        {"host": "imap.example.jp", "user": "a", "tsl": "none"},
        {"host": "imap.example.jp", "user": "a", "since": "yesterday"},
        {"host": "imap.example.jp", "user": "a", "tls": "none"},
        {"host": "192.0.2.1", "user": "a", "tls": "none"},
    ],
)
def test_what_would_not_work_or_show_the_password_is_refused(options: dict[str, str]) -> None:
    with pytest.raises(FolderError):
        folder_of(account(**options))


@given(st.none() | st.builds(Cursor, UIDS, UIDS), UIDS)
def test_a_cursor_holds_as_long_as_its_numbering(cursor: Cursor | None, validity: int) -> None:
    begun = resume(cursor, validity)
    assert begun.validity == validity
    assert begun == cursor or begun.last_uid == 0


@pytest.mark.parametrize(
    ("remembered", "stored", "expected"),
    [
        (None, None, None),
        (Cursor(1, 5), None, Cursor(1, 5)),
        (None, Cursor(1, 5), Cursor(1, 5)),
        (Cursor(1, 7), Cursor(1, 5), Cursor(1, 7)),
        (Cursor(1, 3), Cursor(1, 5), Cursor(1, 5)),
        (Cursor(1, 7), Cursor(2, 5), Cursor(2, 5)),
    ],
)
def test_of_two_cursors_the_one_that_has_read_more_counts(
    remembered: Cursor | None, stored: Cursor | None, expected: Cursor | None
) -> None:
    assert further(remembered, stored) == expected


@given(st.lists(UIDS, max_size=30), UIDS, st.integers(1, 10))
def test_batch_after_batch_takes_every_new_mail_once_and_in_order(
    found: list[int], last: int, most: int
) -> None:
    cursor, taken = Cursor(1, last), list[int]()
    while batch := still_to_come(found, cursor, most):
        assert len(batch) <= most
        taken += batch
        cursor = Cursor(1, batch[-1])
    assert taken == sorted({uid for uid in found if uid > last})


def test_what_the_parser_would_not_read_is_not_fetched() -> None:
    assert [is_oversize(MESSAGE_BYTES), is_oversize(MESSAGE_BYTES + 1)] == [False, True]


def test_what_is_no_message_stays_what_it_is() -> None:
    moment = datetime(2026, 1, 15, tzinfo=UTC)
    receipt = MessageStatus(
        message_id="1",
        status=DeliveryStatus.DELIVERED,
        channel=Channel.EMAIL,
        provider="imap",
        account="support",
        recipient=Party(contact="mailto:taro@example.jp"),
        occurred_at=moment,
    )
    draft = Draft(provider_id="1", contact="mailto:taro@example.jp", time=moment, data=receipt)
    original = Original(
        provider="imap", account="support", received_at=moment, body=b"", headers={OVERSIZE: "9"}
    )
    assert parsing_what_was_fetched(lambda *_: (draft,))(original, ACCOUNT) == (draft,)


def test_a_mail_left_in_its_folder_is_marked() -> None:
    original = Original(
        provider="imap",
        account="support",
        received_at=datetime(2026, 1, 15, tzinfo=UTC),
        body="Subject: 図面\r\nMessage-ID: <1@example.jp>\r\n\r\n".encode(),
        headers={OVERSIZE: "36000000"},
    )
    (draft,) = parsing_what_was_fetched(parse)(original, ACCOUNT)
    assert isinstance(draft.data, Message)
    assert draft.data.kind is MessageKind.UNSUPPORTED
    assert draft.data.subject == "図面"
    assert draft.data.attributes["unreadable"] == "size"
    assert draft.data.attributes["size"] == "36000000"


def test_a_mail_that_was_fetched_whole_is_read_like_any_other() -> None:
    original = Original(
        provider="imap", account="support", received_at=datetime(2026, 1, 15, tzinfo=UTC), body=b"a"
    )
    assert parsing_what_was_fetched(parse)(original, ACCOUNT) == parse(original, ACCOUNT)
