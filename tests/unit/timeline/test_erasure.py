"""What of a history is erased, where its files lie, and what the certificate says."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from msgspec.structs import replace
from tests.unit.timeline.telling import HANAKO_TEL, after, call, change, message

from common.core.cloudevents import Event
from common.core.erasure import Marker
from common.core.events import Attachment, AttachmentState, MessageKind
from timeline.core.entry import Entry, Position
from timeline.core.erasure import (
    is_file_of,
    is_old,
    is_original,
    merged_counts,
    names_gone,
    objects_of,
    speaks_of,
)
from timeline.core.erasure_certificate import (
    Certificate,
    Done,
    Retained,
    is_genuine,
    readable,
    signed,
)
from timeline.core.recording import entry_of
from timeline.edges.erasure_bus import gone_by

KEY = "0123456789abcdef0123456789abcdef"


def entry(event: Event, heard: float = 0) -> Entry:
    found = entry_of(event, Position(0, 0, 0), after(heard), "JP")
    assert found is not None
    return found


def test_a_message_is_as_old_as_its_receipt_whatever_its_sender_claims() -> None:
    one = entry(message(minutes=10))
    assert is_old(one, one.learned_at)
    assert not is_old(one, one.learned_at - timedelta(seconds=1))
    claimed = replace(one, occurred_at=after(-1000))
    assert not is_old(claimed, after(5))


def test_what_another_system_tells_later_of_the_time_before_is_old() -> None:
    late = entry(call(HANAKO_TEL, 5), heard=1000)
    assert is_old(late, after(10))
    assert not is_old(late, after(4))


def test_an_edit_speaks_of_its_message_which_has_that_name() -> None:
    wrote, edited = entry(message()), entry(change(MessageKind.EDIT, "m1", 1, "訂正"))
    assert speaks_of(edited) <= names_gone(wrote)
    assert edited.event_id in names_gone(edited)


def test_originals_and_files_are_found_where_the_event_says() -> None:
    attached = Attachment(
        name="a.png",
        media_type="image/png",
        state=AttachmentState.STORED,
        location="files/acme/ab/x",
    )
    one = entry(message(raw_ref="originals/line/k#4+9", attachments=(attached,)))
    assert objects_of(one) == {"originals/line/k#4+9", "files/acme/ab/x"}
    assert objects_of(entry(message())) == frozenset()


@pytest.mark.parametrize("body", [b"[1]", b"\xff", b'{"attachments": 3}', b"[" * 5000])
def test_what_is_no_event_of_ours_points_nowhere(body: bytes) -> None:
    assert objects_of(replace(entry(message()), body=body)) == frozenset()


def test_a_stored_file_of_its_own_event_is_found() -> None:
    body = b'{"attachment": {"location": "files/acme/ab/y"}}'
    assert objects_of(replace(entry(message()), body=body)) == {"files/acme/ab/y"}


def test_only_what_lies_among_a_tenants_files_is_its_to_delete() -> None:
    assert is_file_of("files/acme/ab/x", "acme")
    assert not is_file_of("files/globex/ab/x", "acme")
    assert not is_file_of("files/acme/../globex/x", "acme")
    assert is_original("originals/x#4+9")


def test_counts_are_added_by_name_and_none_is_not_told() -> None:
    assert merged_counts({"a": 1, "b": 0}, {"a": 2, "c": 3}) == {"a": 3, "c": 3}


CERTIFICATE = Certificate(
    erasure=UUID(int=1),
    tenant="acme",
    basis="appi-35",
    reference=None,
    asked_by="privacy@example.jp",
    erased_at=datetime(2026, 11, 24, 3, tzinfo=UTC),
    certified_at=datetime(2026, 11, 24, 4, tzinfo=UTC),
    done=(Done("timeline", {}, datetime(2026, 11, 24, 4, tzinfo=UTC)),),
    retained=(Retained("bus: messages.v1", datetime(2026, 12, 25, tzinfo=UTC)),),
)


def test_a_certificate_that_was_changed_is_not_genuine() -> None:
    genuine = signed(CERTIFICATE, Marker(KEY))
    again = msgspec.json.decode(msgspec.json.encode(genuine), type=Certificate)
    assert is_genuine(again, Marker(KEY))
    assert not is_genuine(replace(again, tenant="globex"), Marker(KEY))
    assert not is_genuine(again, Marker(KEY[::-1]))


def test_the_last_copy_is_gone_when_the_last_of_them_is_or_nobody_knows_when() -> None:
    later = Retained("bus: dead-letter.v1", datetime(2027, 2, 23, tzinfo=UTC))
    both = replace(CERTIFICATE, retained=(*CERTIFICATE.retained, later))
    assert both.gone_at == later.gone_by
    assert replace(CERTIFICATE, retained=()).gone_at == CERTIFICATE.certified_at
    endless = replace(both, retained=(later, Retained("bus: customers.v1", None)))
    assert endless.gone_at is None
    assert "no limit" in readable(endless)
    assert "≤ 2027-02-23" in readable(both)


def test_a_topics_settings_say_when_what_it_held_is_gone() -> None:
    day = str(24 * 3600 * 1000)
    bounded = {"cleanup.policy": "delete", "retention.ms": day, "segment.ms": day}
    assert gone_by(bounded, after(0)) == after(0) + timedelta(days=2, minutes=5)
    assert gone_by(bounded | {"retention.ms": "-1"}, after(0)) is None
    compacted = {"cleanup.policy": "compact", "segment.ms": day}
    assert gone_by(compacted | {"max.compaction.lag.ms": str(2**63 - 1)}, after(0)) is None
    assert gone_by(compacted | {"max.compaction.lag.ms": day}, after(0)) is not None
