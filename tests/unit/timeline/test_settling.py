"""Who is one person: equal to the plain model, in whatever order, and undone exactly."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from hypothesis import given, strategies as st
from msgspec.structs import replace
from tests.unit.timeline.people_model import PeopleModel
from tests.unit.timeline.telling import (
    HANAKO_LINE,
    HANAKO_MAIL,
    HANAKO_TEL,
    START,
    TENANT,
    after,
    profile,
)

from common.core.cloudevents import Event
from common.core.identity_events import DecisionKind, IdentityDecided
from common.core.ids import customer_id, derived_id
from timeline.core.evidence import Claim, Evidence, Holding, Verdict
from timeline.core.guards import MOST_CONTACTS, MOST_JOINED, MOST_REFERENCES, Reason
from timeline.core.identity import Decision, Earlier, Merge, Unmerge, profile_of, rounds
from timeline.core.settling import Settled, Settlement, Trigger

TARO_MAIL = "email:taro.suzuki@example.jp"
SWITCHBOARD = "tel:+81312345678"


class World:
    """What a database would hold after each batch; batches are read and written as rows are."""

    def __init__(self, contacts: Iterable[str], ages: dict[str, datetime] | None = None) -> None:
        self.holdings = {
            one: Holding(
                contact=one, first_seen=(ages or {}).get(one, START), owner=customer_id(TENANT, one)
            )
            for one in contacts
        }
        self.claims: dict[tuple[str, str], Claim] = {}
        self.verdicts: dict[tuple[str, str], Verdict] = {}
        self.steps: list[Merge | Unmerge] = []
        self.minute = 0

    def tell(self, *events: Event) -> Settled:
        settlement = self._settlement()
        for event in events:
            settlement.hear(profile_of(event, START, "JP"))
        return self._keep(settlement.result())

    def decide(
        self,
        kind: DecisionKind,
        contacts: Sequence[str],
        others: Sequence[str] = (),
        ref: str | None = None,
        profiles: Sequence[str] = (),
        other_profiles: Sequence[str] = (),
        beyond: Sequence[str] = (),
    ) -> Settled:
        self.minute += 1
        data = IdentityDecided(
            kind=kind,
            person="sato",
            decided_at=after(1000 + self.minute),
            contacts=tuple(contacts),
            others=tuple(others),
            customer_ref=ref,
            profiles=tuple(profiles),
            other_profiles=tuple(other_profiles),
            beyond=tuple(beyond),
        )
        settlement = self._settlement()
        settlement.decide(Decision(TENANT, derived_id("decided", str(self.minute)), data))
        return self._keep(settlement.result())

    def merge(self, one: Sequence[str], other: Sequence[str]) -> Settled:
        """As the API does: two customers with their profiles."""
        known = self._settlement()
        profiles = (known.profiles_of(one), known.profiles_of(other))
        return self.decide(
            DecisionKind.TOGETHER, one, other, profiles=profiles[0], other_profiles=profiles[1]
        )

    def hear_earlier(self, contact: str, at: datetime) -> Settled:
        """A contact turns out to have been heard of at `at`."""
        if contact in self.holdings:
            self.holdings[contact] = replace(self.holdings[contact], first_seen=at)
        settlement = self._settlement()
        settlement.heard_earlier(Earlier(TENANT, contact, at, derived_id("heard", contact)))
        return self._keep(settlement.result())

    def unmerge(self, merge: Merge) -> Settled:
        """As the API does: what moved by the merge leaves whoever has it now."""
        whole = self.group(merge.contacts[0])
        moved = sorted(set(merge.contacts) & whole)
        rest = sorted(whole.difference(moved))
        known = self._settlement()
        profiles = set(known.profiles_of(whole))
        return self.decide(
            DecisionKind.UNMERGE,
            moved,
            rest,
            profiles=sorted(profiles.intersection(merge.profiles)),
            other_profiles=sorted(profiles.difference(merge.profiles)),
            beyond=known.beyond(whole),
        )

    def accept(self, ref: str, contact: str) -> Settled:
        """As the API does: the contact's customer and the profile's are one."""
        known = self._settlement()
        claimed = sorted(self.group(contact), key=lambda one: one != contact)
        of_ref = [
            one for (its, one), claim in self.claims.items() if its == ref and not claim.refused
        ]
        own = sorted(self.group(of_ref[0])) if of_ref else []
        return self.decide(
            DecisionKind.ACCEPT,
            claimed,
            own,
            ref=ref,
            profiles=known.profiles_of(claimed) + (() if own else (ref,)),
            other_profiles=known.profiles_of(own),
        )

    def profiles(self) -> dict[str, UUID]:
        """Return whom each profile is about."""
        return {
            ref: self.holdings[contact].owner
            for (ref, contact), claim in self.claims.items()
            if not claim.refused
        }

    def group(self, contact: str) -> set[str]:
        owner = self.holdings[contact].owner
        return {one.contact for one in self.holdings.values() if one.owner == owner}

    def people(self) -> set[frozenset[str]]:
        return {frozenset(self.group(contact)) for contact in self.holdings}

    def owners(self) -> dict[str, UUID]:
        return {contact: holding.owner for contact, holding in self.holdings.items()}

    def _settlement(self) -> Settlement:
        return Settlement(
            TENANT,
            Evidence(
                holdings=self.holdings,
                claims=list(self.claims.values()),
                verdicts=list(self.verdicts.values()),
            ),
        )

    def _keep(self, settled: Settled) -> Settled:
        self.steps += settled.steps
        for step in settled.steps:
            to = step.survivor if isinstance(step, Merge) else step.other
            for contact in step.contacts:
                known = self.holdings[contact]
                assert known.moved_at is None or step.at > known.moved_at
                assert known.owner == (step.other if isinstance(step, Merge) else step.survivor)
                self.holdings[contact] = Holding(
                    contact=contact,
                    first_seen=known.first_seen,
                    owner=to,
                    moved_at=step.at,
                    shared=known.shared,
                    popular=contact in settled.popular or known.popular,
                )
        for contact in settled.popular:
            known = self.holdings[contact]
            self.holdings[contact] = Holding(
                contact=contact,
                first_seen=known.first_seen,
                owner=known.owner,
                moved_at=known.moved_at,
                popular=True,
            )
        self.claims |= {claim.key: claim for claim in settled.claims}
        self.verdicts |= {(one.one, one.other): one for one in settled.verdicts}
        return settled

    def refused(self) -> dict[tuple[str, str], Reason]:
        return {key: claim.refused for key, claim in self.claims.items() if claim.refused}


def test_the_oldest_id_stands_for_a_customer_also_where_its_age_is_known_late() -> None:
    world = World([HANAKO_MAIL, HANAKO_TEL, HANAKO_LINE], {HANAKO_MAIL: after(5)})
    world.holdings[HANAKO_LINE] = replace(world.holdings[HANAKO_LINE], first_seen=after(7))
    world.tell(profile([HANAKO_MAIL, HANAKO_TEL, HANAKO_LINE]))
    assert world.owners()[HANAKO_MAIL] == customer_id(TENANT, HANAKO_TEL)
    settled = world.hear_earlier(HANAKO_LINE, after(-9))
    assert [type(step) for step in settled.steps] == [Unmerge, Merge]
    assert set(world.owners().values()) == {customer_id(TENANT, HANAKO_LINE)}


def test_a_contact_known_to_be_older_changes_nothing_where_it_is_not_the_oldest() -> None:
    world = World([HANAKO_MAIL, HANAKO_TEL], {HANAKO_MAIL: after(5)})
    world.tell(profile([HANAKO_MAIL, HANAKO_TEL]))
    before = world.owners()
    for contact in (HANAKO_MAIL, HANAKO_TEL, TARO_MAIL):
        assert world.hear_earlier(contact, after(1 if contact == HANAKO_MAIL else -1)).steps == ()
    assert world.owners() == before


@given(
    ages=st.permutations([1, 2, 3]),
    told=st.permutations([HANAKO_MAIL, HANAKO_TEL, HANAKO_LINE]),
    joined=st.integers(0, 3),
)
def test_whose_id_survives_does_not_depend_on_when_ages_become_known(
    ages: list[int], told: list[str], joined: int
) -> None:
    contacts = [HANAKO_MAIL, HANAKO_TEL, HANAKO_LINE]
    truly = {contact: after(age) for contact, age in zip(contacts, ages, strict=True)}
    world = World(contacts, dict.fromkeys(contacts, after(99)))
    for number, contact in enumerate(told):
        if number == joined:
            world.tell(profile(contacts))
        world.hear_earlier(contact, truly[contact])
    if joined == len(told):
        world.tell(profile(contacts))
    [oldest, *_] = sorted(contacts, key=lambda contact: truly[contact])
    assert set(world.owners().values()) == {customer_id(TENANT, oldest)}


def test_a_profile_links_its_contacts_and_the_oldest_customer_survives() -> None:
    world = World([HANAKO_MAIL, HANAKO_TEL], {HANAKO_MAIL: after(9), HANAKO_TEL: after(3)})
    told = profile([HANAKO_MAIL, HANAKO_TEL])
    settled = world.tell(told)
    assert settled.steps == (
        Merge(
            customer_id(TENANT, HANAKO_TEL),
            customer_id(TENANT, HANAKO_MAIL),
            (HANAKO_MAIL,),
            told.attributes.id,
            after(9),  # nobody is merged before anybody has heard of him
        ),
    )
    assert {claim.contact for claim in settled.claims} == {HANAKO_MAIL, HANAKO_TEL}


def test_what_is_known_already_changes_nothing() -> None:
    world = World([HANAKO_MAIL, HANAKO_TEL])
    world.tell(profile([HANAKO_MAIL, HANAKO_TEL]))
    assert world.tell(profile([HANAKO_TEL, HANAKO_MAIL], minutes=9)) == Settled(
        (), (), (), frozenset()
    )


def test_a_profile_that_changes_its_contacts_is_still_about_the_same_person() -> None:
    world = World([HANAKO_MAIL, HANAKO_TEL])
    world.tell(profile([HANAKO_MAIL]))
    [merge] = world.tell(profile([HANAKO_TEL], minutes=4)).steps
    assert {merge.survivor, merge.other} == {
        customer_id(TENANT, HANAKO_MAIL),
        customer_id(TENANT, HANAKO_TEL),
    }


def test_a_profile_without_contacts_is_about_nobody_yet() -> None:
    assert World([]).tell(profile([])).steps == ()


def test_two_references_of_one_system_are_two_people_who_share_a_telephone() -> None:
    """The family's telephone stays with whom it belonged to first, whoever is heard of first."""
    hanako = profile([HANAKO_MAIL, HANAKO_TEL], "crm-1", 1)
    taro = profile([TARO_MAIL, HANAKO_TEL], "crm-2", 2)
    for order in ((hanako, taro), (taro, hanako)):
        world = World([HANAKO_MAIL, HANAKO_TEL, TARO_MAIL])
        for told in order:
            world.tell(told)
        assert world.people() == {
            frozenset({HANAKO_MAIL, HANAKO_TEL}),
            frozenset({TARO_MAIL}),
        }
        assert world.refused() == {("crm-2", HANAKO_TEL): Reason.CONFLICT}


def test_two_systems_may_know_one_person() -> None:
    world = World([HANAKO_MAIL, HANAKO_TEL, HANAKO_LINE])
    world.tell(profile([HANAKO_MAIL, HANAKO_TEL], "crm-1"))
    world.tell(profile([HANAKO_TEL, HANAKO_LINE], "billing-1"))
    assert len(world.people()) == 1


def test_one_person_has_one_user_id_of_a_line_account() -> None:
    second = HANAKO_LINE + "x"
    other_channel = "line:2000000000:U1"
    world = World([HANAKO_LINE, second, other_channel])
    world.tell(profile([HANAKO_LINE, second, other_channel]))
    assert world.people() == {frozenset({HANAKO_LINE, other_channel}), frozenset({second})}
    assert set(world.refused().values()) == {Reason.CONFLICT}


def test_a_person_ends_at_fifty_contacts() -> None:
    many = [f"email:u{number}@example.jp" for number in range(MOST_CONTACTS + 3)]
    world = World(many)
    for number, contact in enumerate(many):
        world.tell(profile([contact], minutes=number * 10))
    assert max(map(len, world.people())) == MOST_CONTACTS
    assert set(world.refused().values()) == {Reason.TOO_LARGE}


def test_a_person_does_not_grow_too_fast() -> None:
    many = [f"email:u{number:02}@example.jp" for number in range(MOST_JOINED + 4)]
    world = World(many)
    world.tell(profile(many))
    assert max(map(len, world.people())) == MOST_JOINED + 1
    assert set(world.refused().values()) == {Reason.TOO_FAST}


def test_a_contact_that_too_many_profiles_name_is_nobodys_also_afterwards() -> None:
    own = [f"email:u{number}@example.jp" for number in range(MOST_REFERENCES + 2)]
    world = World([SWITCHBOARD, *own])
    for number, contact in enumerate(own):
        world.tell(profile([contact, SWITCHBOARD], f"crm-{number}", number))
    assert all(len(person) == 1 for person in world.people())
    assert set(world.refused().values()) == {Reason.POPULAR}
    assert [type(step) for step in world.steps] == [Merge, Unmerge]


def test_a_contact_on_the_blocklist_links_nobody_and_what_it_linked_is_undone() -> None:
    world = World([HANAKO_MAIL, SWITCHBOARD, TARO_MAIL])
    world.tell(profile([HANAKO_MAIL, SWITCHBOARD], "crm-1"))
    world.tell(profile([SWITCHBOARD, TARO_MAIL], "billing-1", 1))
    assert len(world.people()) == 1
    settlement = world._settlement()
    trigger_id = derived_id("blocked")
    settlement.share([SWITCHBOARD, "email:unseen@example.jp"], trigger(trigger_id), shared=True)
    settled = settlement.result()
    assert {type(step) for step in settled.steps} == {Unmerge}
    assert {step.cause for step in settled.steps} == {trigger_id}
    assert {claim.refused for claim in settled.claims} == {Reason.SHARED}
    settlement.share([SWITCHBOARD], trigger(trigger_id), shared=False)
    assert len(settlement.result().steps) == 4  # and come back


def trigger(cause: UUID) -> Trigger:
    return Trigger(cause, after(2000), "sato")


def test_what_is_undone_stays_undone_whatever_evidence_comes() -> None:
    world = World([HANAKO_MAIL, HANAKO_TEL, HANAKO_LINE])
    [merge] = world.tell(profile([HANAKO_MAIL, HANAKO_TEL], "crm-1")).steps
    assert isinstance(merge, Merge)
    [undone] = world.unmerge(merge).steps
    assert isinstance(undone, Unmerge)
    assert (undone.contacts, undone.person) == (merge.contacts, "sato")
    world.tell(profile([HANAKO_MAIL, HANAKO_TEL, HANAKO_LINE], "billing-1", 5))
    assert not world.group(HANAKO_MAIL) >= {HANAKO_TEL}
    assert Reason.KEPT_APART in world.refused().values()


def test_what_a_person_joins_is_one_whatever_speaks_against_it() -> None:
    world = World([HANAKO_LINE, HANAKO_LINE + "x"])
    world.decide(DecisionKind.APART, [HANAKO_LINE], [HANAKO_LINE + "x"])
    [merge] = world.decide(DecisionKind.TOGETHER, [HANAKO_LINE], [HANAKO_LINE + "x"]).steps
    assert merge.person == "sato"
    world.decide(DecisionKind.TOGETHER, [HANAKO_LINE], [HANAKO_LINE + "x"])
    assert len(world.people()) == 1


def test_what_is_kept_apart_by_hand_can_be_opened_again() -> None:
    world = World([HANAKO_MAIL, HANAKO_TEL])
    world.decide(DecisionKind.APART, [HANAKO_MAIL], [HANAKO_TEL, HANAKO_MAIL])
    world.tell(profile([HANAKO_MAIL, HANAKO_TEL]))
    assert len(world.people()) == 2
    world.decide(DecisionKind.OPEN, [HANAKO_MAIL], [HANAKO_TEL])
    assert len(world.people()) == 1


def test_people_are_not_joined_around_what_is_kept_apart() -> None:
    world = World([HANAKO_MAIL, HANAKO_TEL, TARO_MAIL])
    world.decide(DecisionKind.TOGETHER, [HANAKO_MAIL], [HANAKO_TEL])
    world.decide(DecisionKind.APART, [HANAKO_MAIL], [TARO_MAIL])
    world.decide(DecisionKind.TOGETHER, [HANAKO_TEL], [TARO_MAIL])
    assert len(world.people()) == 2


def test_who_accepts_a_claim_overrules_what_refused_it() -> None:
    world = World([HANAKO_MAIL, HANAKO_TEL, TARO_MAIL])
    world.tell(profile([HANAKO_MAIL, HANAKO_TEL], "crm-1", 1))
    world.tell(profile([TARO_MAIL, HANAKO_TEL], "crm-2", 2))
    world.accept("crm-2", HANAKO_TEL)
    assert len(world.people()) == 1
    assert world.refused() == {}


def test_a_claim_that_is_all_a_profile_has_can_be_accepted() -> None:
    world = World([HANAKO_MAIL, HANAKO_TEL])
    world.tell(profile([HANAKO_MAIL, HANAKO_TEL], "crm-1", 1))
    world.tell(profile([HANAKO_TEL], "crm-2", 2))
    assert world.profiles().keys() == {"crm-1"}
    world.accept("crm-2", HANAKO_TEL)
    assert len(set(world.profiles().values())) == 1
    world.decide(DecisionKind.DISMISS, [HANAKO_TEL, TARO_MAIL], ref="crm-2")
    assert world.profiles().keys() == {"crm-1"}


def test_what_is_accepted_before_the_profile_is_heard_counts_when_it_is() -> None:
    world = World([HANAKO_MAIL, HANAKO_TEL, TARO_MAIL])
    world.decide(
        DecisionKind.ACCEPT,
        [HANAKO_TEL, HANAKO_MAIL],
        [TARO_MAIL],
        ref="crm-2",
        profiles=["crm-1"],
        other_profiles=["crm-2"],
    )
    world.tell(profile([HANAKO_MAIL, HANAKO_TEL], "crm-1", 1))
    world.tell(profile([TARO_MAIL, HANAKO_TEL], "crm-2", 2))
    assert len(world.people()) == 1
    assert world.profiles().keys() == {"crm-1", "crm-2"}


def test_what_a_person_keeps_apart_is_apart_also_where_a_claim_was_approved() -> None:
    world = World([HANAKO_MAIL, HANAKO_TEL])
    world.tell(profile([HANAKO_MAIL, HANAKO_TEL], "crm-1"))
    world.decide(DecisionKind.ACCEPT, [HANAKO_MAIL, HANAKO_TEL], profiles=["crm-1"])
    world.decide(DecisionKind.APART, [HANAKO_MAIL], [HANAKO_TEL])
    assert len(world.people()) == 2
    assert set(world.refused().values()) == {Reason.KEPT_APART}


def test_to_dismiss_what_nobody_claims_changes_nothing() -> None:
    world = World([HANAKO_MAIL])
    assert world.decide(DecisionKind.DISMISS, [HANAKO_MAIL], ref="crm-9").claims == ()


def test_two_records_of_one_system_stay_one_person_after_somebody_joined_them() -> None:
    world = World([HANAKO_MAIL, TARO_MAIL])
    world.tell(profile([HANAKO_MAIL], "crm-1"), profile([TARO_MAIL], "crm-2"))
    [merge] = world.merge([HANAKO_MAIL], [TARO_MAIL]).steps
    assert isinstance(merge, Merge)
    assert len(set(world.profiles().values())) == 1
    world.tell(profile([TARO_MAIL], "crm-2", 60))
    assert len(set(world.profiles().values())) == 1
    world.unmerge(merge)
    assert world.profiles() == {
        "crm-1": customer_id(TENANT, HANAKO_MAIL),
        "crm-2": customer_id(TENANT, TARO_MAIL),
    }


def test_an_old_decision_that_is_heard_late_does_not_take_back_a_newer_one() -> None:
    world = World([HANAKO_MAIL, HANAKO_TEL])
    world.decide(DecisionKind.APART, [HANAKO_MAIL], [HANAKO_TEL])
    newer = world.verdicts.copy()
    world.minute = -5
    world.decide(DecisionKind.OPEN, [HANAKO_MAIL], [HANAKO_TEL])
    assert world.verdicts == newer


def test_in_a_round_each_contact_moves_once() -> None:
    steps: list[Merge | Unmerge] = [
        Merge(UUID(int=1), UUID(int=2), ("a", "b"), UUID(int=9), START),
        Merge(UUID(int=1), UUID(int=3), ("c",), UUID(int=9), START),
        Unmerge(UUID(int=1), UUID(int=2), ("b",), UUID(int=9), START),
    ]
    assert rounds(steps) == [steps[:2], steps[2:]]
    assert rounds([]) == []


CONTACTS = [f"tel:+8190123400{number:02}" for number in range(8)] + [
    f"line:main:U{number}" for number in range(3)
]
PROFILES = st.lists(
    st.tuples(
        st.sampled_from(["crm-1", "crm-2", "crm-3", "billing-1", "billing-2", "shop-1"]),
        st.lists(st.sampled_from(CONTACTS), max_size=4),
        st.integers(0, 5),
    ),
    max_size=12,
)
AGES = st.lists(st.integers(0, 3), min_size=len(CONTACTS), max_size=len(CONTACTS))


def told_of(named: Iterable[tuple[str, list[str], int]]) -> list[Event]:
    return [profile(contacts, ref, minutes) for ref, contacts, minutes in named]


@given(PROFILES, AGES, st.data())
def test_any_order_repetition_and_batching_of_profiles_gives_the_model_s_customers(
    named: list[tuple[str, list[str], int]], ages: list[int], data: st.DataObject
) -> None:
    events = told_of(named)
    first_seen = {one: after(age) for one, age in zip(CONTACTS, ages, strict=True)}
    again = data.draw(st.lists(st.sampled_from(events))) if events else []
    heard = data.draw(st.permutations(events + again))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(heard)), max_size=4)))
    world = World(CONTACTS, first_seen)
    for start, end in zip([0, *cuts], [*cuts, len(heard)], strict=True):
        world.tell(*heard[start:end])
    model = PeopleModel(contacts=set(CONTACTS))
    for event in events:
        model.hear(event)
    assert world.people() == model.people()
    for person in world.people():
        oldest = min((first_seen[one], customer_id(TENANT, one)) for one in person)
        assert {world.holdings[one].owner for one in person} == {oldest[1]}


@given(PROFILES, AGES, st.data())
def test_a_merge_that_is_undone_leaves_everybody_as_before_it(
    named: list[tuple[str, list[str], int]], ages: list[int], data: st.DataObject
) -> None:
    world = World(CONTACTS, {one: after(age) for one, age in zip(CONTACTS, ages, strict=True)})
    world.tell(*told_of(named))
    before = world.owners()
    people = sorted(map(sorted, world.people()))
    if len(people) == 1:
        return
    one, other = data.draw(st.permutations(people))[:2]
    profiles = world.profiles()
    [merge] = world.merge(one, other).steps
    assert isinstance(merge, Merge)
    assert len(world.people()) == len(people) - 1
    assert world.profiles().keys() >= profiles.keys()
    world.unmerge(merge)
    assert (world.owners(), world.profiles()) == (before, profiles)


@given(PROFILES, PROFILES, st.data())
def test_unmerging_moves_exactly_what_the_merge_moved_and_nothing_comes_back_by_itself(
    named: list[tuple[str, list[str], int]],
    later: list[tuple[str, list[str], int]],
    data: st.DataObject,
) -> None:
    world = World(CONTACTS)
    world.tell(*told_of(named))
    standing = [
        step
        for step in world.steps
        if isinstance(step, Merge) and world.group(step.contacts[0]) - set(step.contacts)
    ]
    if not standing:
        return
    merge = data.draw(st.sampled_from(standing))
    before = world.owners()
    people = len(world.people())
    leaving = set(merge.contacts) & world.group(merge.contacts[0])
    staying = world.group(merge.contacts[0]) - leaving
    world.unmerge(merge)
    after_it = world.owners()
    assert len({after_it[one] for one in leaving}) == 1
    assert len({after_it[one] for one in staying}) == 1
    assert len(world.people()) == people + 1
    beyond = before.keys() - leaving - staying
    assert {one: after_it[one] for one in beyond} == {one: before[one] for one in beyond}
    world.tell(*told_of((f"late-{ref}", contacts, 9) for ref, contacts, _ in later))
    assert all(world.group(one).isdisjoint(staying) for one in leaving)
