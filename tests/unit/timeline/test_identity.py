"""Profiles and decisions as they are taken in, and what is announced of their consequences."""

from uuid import UUID

import pytest
from msgspec.structs import replace
from tests.unit.timeline.telling import (
    HANAKO_LINE,
    HANAKO_MAIL,
    HANAKO_TEL,
    START,
    TENANT,
    after,
    event,
    profile,
)

from common.core.cloudevents import Event, read
from common.core.errors import PoisonError
from common.core.events import CustomersMerged, CustomersUnmerged
from common.core.identity_events import DecisionKind, IdentityDecided
from timeline.core.announcements import announced, decision_announced, merge_id
from timeline.core.identity import (
    Merge,
    Profile,
    Unmerge,
    decision_of,
    lock_id,
    newest,
    profile_of,
)

REGION = "JP"


def told(contacts: list[str], ref: str = "crm-1024", minutes: float = 0) -> Profile:
    return profile_of(profile(contacts, ref, minutes), START, REGION)


def test_a_profile_names_contacts_in_its_own_way_and_some_are_none() -> None:
    made = told(["tel:090-1234-5678", HANAKO_TEL, "email:HANAKO.Suzuki@Example.jp", "なし"])
    assert made.contacts == (HANAKO_TEL, HANAKO_MAIL)
    assert made.unreadable == ("なし",)
    assert made.source == "/crm"


def test_a_short_code_or_a_display_name_is_nobodys_own() -> None:
    made = told([HANAKO_MAIL, "short:JP:12345", "sender:aozora"])
    assert made.contacts == (HANAKO_MAIL,)
    assert made.nobodys == ("short:JP:12345", "sender:aozora")


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


def decided(kind: DecisionKind, *contacts: str, others: tuple[str, ...] = ()) -> Event:
    data = IdentityDecided(
        kind=kind,
        person="sato",
        decided_at=START,
        contacts=contacts,
        others=others,
        note="電話\x00で",
    )
    return event(data, "decision", START, kind, *contacts)


def test_a_decision_speaks_of_contacts_as_everybody_writes_them() -> None:
    made = decision_of(
        decided(DecisionKind.TOGETHER, "tel:090-1234-5678", others=(HANAKO_MAIL,)), REGION
    )
    assert (made.data.contacts, made.data.others) == ((HANAKO_TEL,), (HANAKO_MAIL,))
    assert made.data.note == "電話\ufffdで"


def test_a_decision_about_what_is_no_contact_is_poison() -> None:
    with pytest.raises(PoisonError, match="bad-contact"):
        decision_of(decided(DecisionKind.APART, "なし"), REGION)


def test_a_decision_about_nobody_is_poison() -> None:
    with pytest.raises(PoisonError, match="bad-data"):
        decision_of(decided(DecisionKind.APART), REGION)


def test_a_mailbox_can_be_blocked_though_it_is_no_contact() -> None:
    made = decision_of(decided(DecisionKind.BLOCK, "email:info@"), REGION)
    assert made.data.contacts == ("email:info@",)


def test_a_merge_is_announced_under_the_name_of_who_was_absorbed() -> None:
    merge = Merge(UUID(int=1), UUID(int=2), (HANAKO_TEL,), UUID(int=3), START, "sato")
    sent = announced(TENANT, merge)
    heard = read(sent.headers, sent.value)
    assert sent.topic == "customers.v1"
    assert sent.key == f"{TENANT}|{merge.other}".encode()
    assert heard.attributes.id == merge_id(TENANT, merge)
    assert heard.data == CustomersMerged(
        survivor=merge.survivor,
        absorbed=merge.other,
        contacts=(HANAKO_TEL,),
        cause=merge.cause,
        merged_at=START,
        person="sato",
    )


def test_an_unmerge_is_announced_under_the_same_name_so_that_it_is_the_last_word() -> None:
    unmerge = Unmerge(UUID(int=1), UUID(int=2), (HANAKO_TEL,), UUID(int=4), after(5))
    sent = announced(TENANT, unmerge)
    assert sent.key == f"{TENANT}|{unmerge.other}".encode()
    assert read(sent.headers, sent.value).data == CustomersUnmerged(
        survivor=unmerge.survivor,
        restored=unmerge.other,
        contacts=(HANAKO_TEL,),
        cause=unmerge.cause,
        unmerged_at=after(5),
    )


def test_a_pair_that_is_merged_again_is_told_anew() -> None:
    merge = Merge(UUID(int=1), UUID(int=2), (HANAKO_TEL,), UUID(int=3), START)
    assert merge_id(TENANT, merge) == merge_id(TENANT, replace(merge, contacts=()))
    assert merge_id(TENANT, merge) != merge_id(TENANT, replace(merge, at=after(5)))


def test_a_decision_is_announced_under_its_own_name() -> None:
    heard = decided(DecisionKind.APART, HANAKO_TEL, others=(HANAKO_MAIL,))
    sent = decision_announced(TENANT, UUID(int=9), heard.data)
    again = read(sent.headers, sent.value)
    assert (again.attributes.id, again.attributes.subject) == (UUID(int=9), str(UUID(int=9)))
    assert again.data == heard.data
