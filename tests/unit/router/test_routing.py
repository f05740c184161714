"""A conversation folds into one case, and the bus hears of it in order."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace

from common.core.cases import CaseOpened, CaseReopened, CaseRouted
from common.core.cloudevents import read
from common.core.events import Channel, MessageKind, Party
from common.core.ids import customer_id
from router.core.continuity import filing_keys
from router.core.facts import Arrival, Case, CaseState, Customer, Unrouted
from router.core.filing import MAX_PARTICIPANTS
from router.core.policy import Policy
from router.core.routing import Routed, announcements, route

Written = Callable[..., Arrival]

TUESDAY = datetime(2026, 11, 24, 2, 40, tzinfo=UTC)
TARO, HANAKO, STRANGER = "email:taro@example.jp", "email:hanako@example.jp", "email:x@example.com"


def folded(arrivals: Sequence[Arrival], policy: Policy) -> tuple[list[Routed], dict[str, Case]]:
    cases: dict[str, Case] = {}
    steps = []
    for arrival in arrivals:
        customer = Customer(customer=customer_id("acme", arrival.contact))
        step = route(arrival, customer, (), cases, None, policy, TUESDAY)
        if isinstance(step, Routed):
            cases[step.case.conversation] = step.case
            steps.append(step)
    return steps, cases


@pytest.fixture
def mailed(written: Written) -> Callable[..., Arrival]:
    """A mail of one thread."""

    def write(sender: str, number: int, *to: str, thread: str = "<1@example.jp>") -> Arrival:
        return written(
            "件名のとおりです",
            sender,
            channel=Channel.EMAIL,
            conversation=thread,
            message_id=f"{sender}-{number}",
            recipients=tuple(Party(address) for address in to),
        )

    return write


def test_a_colleague_in_copy_joins_the_case(mailed: Callable[..., Arrival], policy: Policy) -> None:
    steps, cases = folded([mailed(TARO, 1, HANAKO), mailed(HANAKO, 2, TARO)], policy)
    assert [step.decision.continuity for step in steps] == ["opened", "joined"]
    assert [case.participants for case in cases.values()] == [(TARO, HANAKO)]


def test_a_stranger_who_knows_the_thread_has_a_case_of_his_own(
    mailed: Callable[..., Arrival], policy: Policy
) -> None:
    steps, cases = folded(
        [mailed(TARO, 1), mailed(STRANGER, 2), mailed(STRANGER, 3), mailed(TARO, 4)], policy
    )
    assert [step.decision.continuity for step in steps] == ["opened", "opened", "joined", "joined"]
    assert [case.contact for case in cases.values()] == [TARO, STRANGER]


def test_another_address_of_the_same_customer_is_no_stranger(
    mailed: Callable[..., Arrival], policy: Policy
) -> None:
    (first,), cases = folded([mailed(TARO, 1)], policy)
    taro = Customer(customer=first.decision.customer)
    step = route(mailed(HANAKO, 2), taro, (), cases, None, policy, TUESDAY)
    assert isinstance(step, Routed)
    assert step.case.case_id == first.case.case_id


def test_a_group_whose_members_the_channel_vouches_for_shares_a_case(
    written: Written, policy: Policy
) -> None:
    members = [
        written(contact=f"line:main:U{n}", conversation="line:main:C9", message_id=str(n))
        for n in range(3)
    ]
    _, cases = folded(members, policy)
    assert len(cases) == 1


def test_messages_without_a_conversation_belong_to_their_sender(
    mailed: Callable[..., Arrival], policy: Policy
) -> None:
    arrivals = [mailed(sender, n, thread="") for n, sender in enumerate((TARO, HANAKO, TARO))]
    _, cases = folded(arrivals, policy)
    assert [case.contact for case in cases.values()] == [TARO, HANAKO]


@pytest.mark.parametrize("thread", ["長" * 1000, "a\0b"])
def test_a_conversation_that_no_index_could_hold_has_a_key_nevertheless(
    mailed: Callable[..., Arrival], thread: str
) -> None:
    keys = filing_keys(mailed(TARO, 1, thread=thread))
    assert len(set(keys)) == 2
    assert all(len(key) < 100 and "\0" not in key for key in keys)


def test_a_mail_to_a_whole_company_does_not_grow_the_case_without_end(
    mailed: Callable[..., Arrival], policy: Policy
) -> None:
    everybody = [f"email:{number}@example.jp" for number in range(500)]
    (step,), _ = folded([mailed(TARO, 1, *everybody)], policy)
    assert len(step.case.participants) == MAX_PARTICIPANTS
    assert step.case.participants[0] == TARO


def test_a_new_case_is_announced_before_its_routing(written: Written, policy: Policy) -> None:
    (step,), _ = folded([written("障害\0です", subject="\0")], policy)
    opened, routed = (read(record.headers, record.value) for record in announcements(step))
    assert opened.data == CaseOpened(
        case_id=step.case.case_id,
        contact=step.arrival.contact,
        conversation=step.arrival.contact,
        channel=Channel.LINE,
        opened_at=TUESDAY,
        message_event=step.arrival.event,
        subject="\0",
    )
    assert routed.data == CaseRouted(
        case_id=step.case.case_id, decision=step.decision, case_version=1, units=1
    )
    assert step.case.subject is None
    assert (
        opened.attributes.traceparent
        == f"00-{step.arrival.event.hex}-{step.arrival.event.hex[:16]}-01"
    )
    assert (opened.attributes.tenant, opened.attributes.subject) == ("acme", step.arrival.contact)
    assert {record.key for record in announcements(step)} == {b"acme|line:main:U4af4980629"}
    assert announcements(step) == announcements(step)


def test_a_reopened_case_says_so_and_a_joined_one_only_where_the_message_went(
    written: Written, policy: Policy, waiting: Callable[..., Case], taro: Customer
) -> None:
    resolved = waiting(state=CaseState.RESOLVED, resolved_at=TUESDAY - timedelta(hours=1))
    heard = []
    for case in (resolved, waiting()):
        cases = {case.conversation: case}
        step = route(written(), taro, (), cases, None, policy, TUESDAY)
        assert isinstance(step, Routed)
        assert (step.case.state, step.case.resolved_at) == (CaseState.WAITING, None)
        heard.append([type(read(r.headers, r.value).data) for r in announcements(step)])
    assert heard == [[CaseReopened, CaseRouted], [CaseRouted]]


def test_what_only_follows_a_case_is_not_what_placed_it(written: Written, policy: Policy) -> None:
    asks = written("障害です", message_id="1")
    likes = written(kind=MessageKind.REACTION, message_id="2")
    steps, _ = folded([asks, likes], policy)
    assert [step.case.decided_by for step in steps] == [asks.event, asks.event]
    assert steps[1].case == replace(steps[0].case, version=2)


def test_what_is_not_routed_is_left_alone(written: Written, policy: Policy, taro: Customer) -> None:
    arrival = written(kind=MessageKind.OPT_OUT)
    assert isinstance(route(arrival, taro, (), {}, None, policy, TUESDAY), Unrouted)


said = st.lists(
    st.tuples(
        st.sampled_from([TARO, HANAKO]),
        st.sampled_from(["障害", "請求", "至急", "どうも"]),
        st.sampled_from([MessageKind.MESSAGE, MessageKind.REACTION, MessageKind.OPT_IN]),
    ),
    max_size=8,
)


@given(said)
def test_a_conversation_has_at_most_one_case_and_its_priority_never_falls(
    written: Written, policy: Policy, said: list[tuple[str, str, MessageKind]]
) -> None:
    arrivals = [
        written(text, contact, kind=kind, message_id=str(number))
        for number, (contact, text, kind) in enumerate(said)
    ]
    steps, cases = folded(arrivals, policy)
    for contact in (TARO, HANAKO):
        own = [step for step in steps if step.arrival.contact == contact]
        assert len({step.case.case_id for step in own}) <= 1
        priorities = [step.case.priority for step in own]
        assert priorities == sorted(priorities)
        ranks = [step.case.rank for step in own]
        assert ranks == sorted(ranks, reverse=True)
    assert set(cases) <= {TARO, HANAKO}


@given(said)
def test_any_interleaving_of_two_customers_has_the_same_result(
    written: Written, policy: Policy, said: list[tuple[str, str, MessageKind]]
) -> None:
    arrivals = [
        written(text, contact, kind=kind, message_id=f"{contact}-{number}")
        for number, (contact, text, kind) in enumerate(said)
    ]
    one_by_one = sorted(arrivals, key=lambda arrival: arrival.contact)
    _, mixed = folded(arrivals, policy)
    _, apart = folded(one_by_one, policy)
    assert mixed == apart
