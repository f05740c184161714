"""Who is one person, according to profiles, equals a plain union-find over what they name."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace
from tests.unit.timeline.telling import (
    HANAKO_LINE,
    HANAKO_MAIL,
    HANAKO_TEL,
    START,
    TENANT,
    UnionFind,
    after,
    profile,
)

from common.core.cloudevents import Event, read
from common.core.errors import PoisonError
from common.core.events import CustomersMerged
from common.core.ids import customer_id
from timeline.core.announcements import merge_announced
from timeline.core.identity import (
    Customer,
    Known,
    Link,
    Merge,
    Plan,
    Profile,
    first_customer,
    lock_id,
    newest,
    plan,
    profile_of,
    survivors,
)

REGION = "JP"


def told(contacts: Iterable[str], ref: str = "crm-1024", minutes: float = 0) -> Profile:
    return profile_of(profile(list(contacts), ref, minutes), START, REGION)


def strangers(*contacts: str, seen: datetime = START) -> dict[str, Customer]:
    return {contact: first_customer(TENANT, contact, seen) for contact in contacts}


def known(
    holders: dict[str, Customer],
    linked: dict[str, frozenset[str]] | None = None,
    shared: frozenset[str] = frozenset(),
) -> Known:
    return Known(
        customers={customer.id: customer for customer in holders.values()},
        contacts={contact: customer.id for contact, customer in holders.items()},
        linked=linked or {},
        shared=shared,
    )


def test_a_profile_links_its_contacts_and_the_oldest_customer_survives() -> None:
    holders = {
        HANAKO_MAIL: first_customer(TENANT, HANAKO_MAIL, after(9)),
        HANAKO_TEL: first_customer(TENANT, HANAKO_TEL, after(3)),
    }
    made = told([HANAKO_MAIL, HANAKO_TEL])
    assert plan([made], known(holders)) == Plan(
        merges=(
            Merge(
                survivor=customer_id(TENANT, HANAKO_TEL),
                absorbed=customer_id(TENANT, HANAKO_MAIL),
                contacts=(HANAKO_MAIL,),
                cause=made.event_id,
                at=START,
            ),
        ),
        links=(
            Link("crm-1024", HANAKO_MAIL, made.event_id, START),
            Link("crm-1024", HANAKO_TEL, made.event_id, START),
        ),
    )


def test_a_merge_moves_everything_that_the_absorbed_held() -> None:
    both = first_customer(TENANT, HANAKO_MAIL, after(1))
    holders = {HANAKO_MAIL: both, HANAKO_LINE: both} | strangers(HANAKO_TEL)
    [merge] = plan([told([HANAKO_TEL, HANAKO_LINE])], known(holders)).merges
    assert merge.contacts == (HANAKO_MAIL, HANAKO_LINE)
    assert merge.absorbed == both.id


def test_what_is_known_already_changes_nothing() -> None:
    one = first_customer(TENANT, HANAKO_MAIL, START)
    before = known(
        {HANAKO_MAIL: one, HANAKO_TEL: one},
        linked={"crm-1024": frozenset({HANAKO_MAIL, HANAKO_TEL})},
    )
    assert plan([told([HANAKO_TEL, HANAKO_MAIL])], before) == Plan()


def test_a_profile_that_changes_its_contacts_is_still_about_the_same_person() -> None:
    """The same reference links what it names now to what it named before."""
    before = known(
        strangers(HANAKO_MAIL, HANAKO_TEL), linked={"crm-1024": frozenset({HANAKO_MAIL})}
    )
    [merge] = plan([told([HANAKO_TEL])], before).merges
    assert {merge.survivor, merge.absorbed} == set(before.customers)


def test_a_shared_contact_links_nobody_also_if_it_was_linked_before() -> None:
    switchboard = "tel:+81312345678"
    before = known(
        strangers(HANAKO_MAIL, switchboard),
        linked={"crm-1024": frozenset({switchboard})},
        shared=frozenset({switchboard}),
    )
    result = plan([told([HANAKO_MAIL, switchboard])], before)
    assert result.merges == ()
    assert [link.contact for link in result.links] == [HANAKO_MAIL]
    assert [(one.contact, one.reason) for one in result.refusals] == [
        (switchboard, "several people share this address")
    ]


def test_a_short_code_or_a_display_name_is_nobodys_own() -> None:
    result = plan(
        [told([HANAKO_MAIL, "short:JP:12345", "sender:aozora"])], known(strangers(HANAKO_MAIL))
    )
    assert result.merges == ()
    assert [one.contact for one in result.refusals] == ["short:JP:12345", "sender:aozora"]


def test_a_profile_names_contacts_in_its_own_way_and_some_are_none() -> None:
    made = told(["tel:090-1234-5678", HANAKO_TEL, "email:HANAKO.Suzuki@Example.jp", "なし"])
    assert made.contacts == (HANAKO_TEL, HANAKO_MAIL)
    assert made.unreadable == ("なし",)
    [refusal] = plan([made], known(strangers(HANAKO_TEL, HANAKO_MAIL))).refusals
    assert (refusal.contact, refusal.reason) == ("なし", "not a contact")


def test_a_profile_without_contacts_is_about_nobody_yet() -> None:
    assert plan([told([])], known({})) == Plan()


@pytest.mark.parametrize("ref", ["", "crm\x001024", "顧" * 501])
def test_a_reference_that_cannot_be_a_key_is_poison(ref: str) -> None:
    written = profile([HANAKO_MAIL])
    spoiled = Event(written.attributes, replace(written.data, customer_ref=ref), written.value)
    with pytest.raises(PoisonError, match="bad-data"):
        profile_of(spoiled, START, REGION)


def test_of_several_profiles_the_one_that_changed_last_counts() -> None:
    old, new = told([HANAKO_MAIL], minutes=1), told([HANAKO_TEL], minutes=2)
    other = told([HANAKO_LINE], ref="billing-7")
    assert newest([new, old, other]) == [other, new]
    same_time = [told([HANAKO_MAIL]), told([HANAKO_TEL])]
    assert newest(same_time) == newest(same_time[::-1])


def test_two_events_of_one_profile_are_locked_as_one() -> None:
    assert lock_id(TENANT, "crm-1024") == lock_id(TENANT, "crm-1024")
    assert lock_id(TENANT, "crm-1024") != lock_id("globex", "crm-1024")


def test_a_merge_is_announced_under_the_name_of_who_was_absorbed() -> None:
    merge = Merge(UUID(int=1), UUID(int=2), (HANAKO_TEL,), UUID(int=3), START)
    sent = merge_announced(TENANT, merge)
    event = read(sent.headers, sent.value)
    assert sent.topic == "customers.v1"
    assert sent.key == f"{TENANT}|{merge.absorbed}".encode()
    assert event.data == CustomersMerged(
        survivor=merge.survivor,
        absorbed=merge.absorbed,
        contacts=(HANAKO_TEL,),
        cause=merge.cause,
        merged_at=START,
    )
    assert (
        merge_announced(TENANT, replace(merge, at=after(5))).headers[2] == sent.headers[2]
    )  # the id


CONTACTS = [f"tel:+8190123400{number:02}" for number in range(12)]
PROFILES = st.lists(
    st.tuples(
        st.sampled_from(["crm-1", "crm-2", "crm-3", "billing-1", "billing-2"]),
        st.lists(st.sampled_from(CONTACTS), max_size=4),
    ),
    max_size=12,
)
AGES = st.lists(st.integers(0, 3), min_size=len(CONTACTS), max_size=len(CONTACTS))
SHARED = st.frozensets(st.sampled_from(CONTACTS), max_size=3)


def modelled(
    profiles: Iterable[tuple[str, list[str]]],
    customers: dict[str, Customer],
    shared: frozenset[str],
) -> dict[str, UUID]:
    model = UnionFind()
    for ref, contacts in profiles:
        model.unite([ref, *(contact for contact in contacts if contact not in shared)])
    groups: dict[str, list[str]] = {}
    for contact in CONTACTS:
        groups.setdefault(model.root(contact), []).append(contact)
    return {
        contact: min(customers[member] for member in members).id
        for members in groups.values()
        for contact in members
    }


class Projection:
    """What a database would hold after each batch of profiles."""

    def __init__(self, customers: dict[str, Customer], shared: frozenset[str]) -> None:
        self.customers = customers
        self.shared = shared
        self.holder = {contact: customer.id for contact, customer in customers.items()}
        self.linked: dict[str, frozenset[str]] = {}

    def apply(self, profiles: Sequence[Profile]) -> None:
        made = plan(
            profiles,
            Known(
                customers={customer.id: customer for customer in self.customers.values()},
                contacts=self.holder,
                linked=self.linked,
                shared=self.shared,
            ),
        )
        moves = zip(made.merges, survivors(made.merges), strict=True)
        final = {merge.absorbed: survivor for merge, survivor in moves}
        self.holder = {
            contact: final.get(holder, holder) for contact, holder in self.holder.items()
        }
        for link in made.links:
            self.linked[link.customer_ref] = self.linked.get(link.customer_ref, frozenset()) | {
                link.contact
            }


@given(PROFILES, AGES, SHARED, st.data())
def test_any_order_repetition_and_batching_of_profiles_gives_the_model_s_customers(
    named: list[tuple[str, list[str]]], ages: list[int], shared: frozenset[str], data: st.DataObject
) -> None:
    customers = {
        contact: first_customer(TENANT, contact, after(age))
        for contact, age in zip(CONTACTS, ages, strict=True)
    }
    again = data.draw(st.lists(st.sampled_from(named))) if named else []
    heard = data.draw(st.permutations(named + again))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(heard)), max_size=4)))
    projection = Projection(customers, shared)
    for start, end in zip([0, *cuts], [*cuts, len(heard)], strict=True):
        projection.apply([told(contacts, ref) for ref, contacts in heard[start:end]])
    assert projection.holder == modelled(named, customers, shared)


@given(PROFILES)
def test_what_moved_in_all_merges_is_enough_to_know_where_everything_is(
    named: list[tuple[str, list[str]]],
) -> None:
    """The log of merges alone explains the present: so it can be undone."""
    customers = strangers(*CONTACTS)
    made = plan([told(contacts, ref) for ref, contacts in named], known(customers))
    holder = {contact: customer.id for contact, customer in customers.items()}
    for merge in made.merges:
        assert all(holder[contact] == merge.absorbed for contact in merge.contacts)
        holder |= dict.fromkeys(merge.contacts, merge.survivor)
    assert holder == modelled(named, customers, frozenset())
    absorbed = [merge.absorbed for merge in made.merges]
    assert len(absorbed) == len(set(absorbed)), "nobody is absorbed twice"
