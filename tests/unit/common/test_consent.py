"""A stop is honoured from the moment it was said, however the events arrive."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import given, strategies as st

from common.core.cloudevents import Attributes, read
from common.core.consent import consent_records, later_consent, may_send
from common.core.delivery import DeliveryStatus
from common.core.events import (
    Channel,
    ConsentChanged,
    ConsentState,
    Conversation,
    Direction,
    Message,
    MessageKind,
    MessageStatus,
    Party,
)

MOMENT = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
CUSTOMER, NUMBER = "tel:+819012345678", "tel:+815012345678"

changes = st.builds(
    lambda minutes, state, number: ConsentChanged(
        contact=CUSTOMER,
        address=NUMBER,
        state=state,
        channel=Channel.SMS,
        provider="twilio",
        account="main",
        message=UUID(int=number),
        changed_at=MOMENT + timedelta(minutes=minutes),
    ),
    st.integers(0, 5),
    st.sampled_from(ConsentState),
    st.integers(0, 3),
)


def attributes() -> Attributes:
    return Attributes(
        id=UUID(int=7),
        source="/ingest_sms/twilio/main",
        type="io.madoguchi.message.received",
        subject=CUSTOMER,
        time=MOMENT,
        tenant="acme",
    )


def message(kind: MessageKind, **changed: Any) -> Message:
    told = Message(
        message_id="SM1",
        kind=kind,
        direction=Direction.INBOUND,
        channel=Channel.SMS,
        provider="twilio",
        account="main",
        sender=Party(CUSTOMER),
        recipients=(Party(NUMBER),),
        conversation=Conversation("c"),
        received_at=MOMENT,
        text="配信停止",
    )
    return msgspec.structs.replace(told, **changed)


def test_who_never_said_stop_may_be_written_to() -> None:
    assert may_send([])


@given(st.lists(changes, min_size=1), st.randoms())
def test_the_last_word_by_time_counts_in_any_order_and_however_often_it_is_told(
    history: list[ConsentChanged], random: Any
) -> None:
    shuffled = [*history, *history[: len(history) // 2]]
    random.shuffle(shuffled)
    assert may_send(shuffled) == may_send(history)
    last = max(change.changed_at for change in history)
    states = {change.state for change in history if change.changed_at == last}
    assert may_send(history) == (states == {ConsentState.OPTED_IN})


@given(changes, changes, changes)
def test_two_who_heard_in_another_order_agree(
    one: ConsentChanged, two: ConsentChanged, three: ConsentChanged
) -> None:
    left = later_consent(later_consent(one, two), three)
    right = later_consent(one, later_consent(three, two))
    assert (left.state, left.changed_at) == (right.state, right.changed_at)
    assert later_consent(one, one) == one


def test_a_stop_is_told_with_the_message_that_said_it() -> None:
    [record] = consent_records(attributes(), message(MessageKind.OPT_OUT))
    event = read(record.headers, record.value)
    assert record.topic == "consent.v1"
    assert event.attributes.type == "io.madoguchi.consent.changed"
    assert event.attributes.subject == CUSTOMER
    assert event.data == ConsentChanged(
        contact=CUSTOMER,
        address=NUMBER,
        state=ConsentState.OPTED_OUT,
        channel=Channel.SMS,
        provider="twilio",
        account="main",
        message=UUID(int=7),
        changed_at=MOMENT,
    )
    assert dict(record.headers)["ce_partitionkey"] == record.key
    assert record.key.startswith(f"acme|{CUSTOMER}|{NUMBER}|".encode())


def test_the_same_message_told_twice_is_the_same_change() -> None:
    stop = message(MessageKind.OPT_OUT)
    assert consent_records(attributes(), stop) == consent_records(attributes(), stop)


def test_a_start_opens_again_also_where_the_message_names_no_address_of_ours() -> None:
    [record] = consent_records(attributes(), message(MessageKind.OPT_IN, recipients=()))
    change = read(record.headers, record.value).data
    assert (change.state, change.address) == (ConsentState.OPTED_IN, "main")


def test_nothing_else_changes_consent() -> None:
    status = MessageStatus(
        message_id="SM1",
        status=DeliveryStatus.SENT,
        channel=Channel.SMS,
        provider="twilio",
        account="main",
        recipient=Party(CUSTOMER),
        occurred_at=MOMENT,
    )
    ours = message(MessageKind.OPT_OUT, direction=Direction.OUTBOUND)
    for data in (status, ours, message(MessageKind.MESSAGE), message(MessageKind.HELP)):
        assert consent_records(attributes(), data) == ()
