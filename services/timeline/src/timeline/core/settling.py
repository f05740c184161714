"""From what the evidence says to what must move: merges, unmerges, and which claims count.

Profiles are weighed one after the other, each with all evidence that bears on it, so that it does
not matter which of them come in one batch.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import chain
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from common.core.identity_events import DecisionKind
from common.core.ids import customer_id
from timeline.core.deciding import verdicts_of
from timeline.core.evidence import Claim, Evidence, Holding, Verdict, said_so
from timeline.core.guards import Reason
from timeline.core.identity import (
    Customer,
    Decision,
    Earlier,
    Merge,
    Profile,
    Unmerge,
    first_customer,
)
from timeline.core.resolution import resolve

_TICK = timedelta(microseconds=1)


class Trigger(Struct, frozen=True):
    """What is new: a profile's event or a person's decision. It causes whatever follows from it."""

    cause: UUID
    at: datetime
    person: str | None = None


class Settled(Struct, frozen=True):
    """What to write: merges and unmerges in this order, every claim and verdict that changed or is new.

    `popular` are contacts that turned out to be named by too many.
    """

    steps: tuple[Merge | Unmerge, ...]
    claims: tuple[Claim, ...]
    verdicts: tuple[Verdict, ...]
    popular: frozenset[str]


class Settlement:
    """One tenant's evidence while it is weighed."""

    def __init__(self, tenant: str, evidence: Evidence) -> None:
        self._tenant = tenant
        self._holdings = dict(evidence.holdings)
        self._claims = {claim.key: claim for claim in evidence.claims}
        self._before = dict(self._claims)
        self._of_profile: defaultdict[str, set[str]] = defaultdict(set)
        self._of_contact: defaultdict[str, set[str]] = defaultdict(set)
        for customer_ref, contact in self._claims:
            self._note(customer_ref, contact)
        self._said = {(verdict.one, verdict.other): verdict for verdict in evidence.verdicts}
        self._said_before = dict(self._said)
        self._owned: defaultdict[UUID, set[str]] = defaultdict(set)
        for holding in self._holdings.values():
            self._owned[holding.owner].add(holding.contact)
        self._held: defaultdict[str, set[str]] = defaultdict(set)
        for claim in evidence.claims:
            self._hold(claim)
        self._popular = set[str]()
        self._steps: list[Merge | Unmerge] = []

    def hear(self, profile: Profile) -> None:
        """Take in what a profile claims, and whatever follows from it."""
        for contact in profile.contacts:
            self._claim(profile, contact)
        seeds = self._of_profile.get(profile.customer_ref, set())
        self.settle(seeds, Trigger(profile.event_id, profile.learned_at))

    def decide(self, decision: Decision) -> None:
        """Take in what a person decided, and whatever follows from it."""
        for verdict in verdicts_of(decision):
            known = self._said.get((verdict.one, verdict.other))
            if known is None or known < verdict:
                self._said[verdict.one, verdict.other] = verdict
        data = decision.data
        self._rule(decision)
        trigger = Trigger(decision.decision_id, data.decided_at, data.person)
        self.settle(self._known(chain(data.contacts, data.others)), trigger)

    def heard_earlier(self, earlier: Earlier) -> None:
        """Let the oldest id stand for a customer, also where which is the oldest turned out late."""
        holding = self._holdings.get(earlier.contact)
        if holding is None:
            return
        owner = holding.owner
        oldest = self._oldest(self._owned[owner]).id
        if owner == oldest or oldest != customer_id(self._tenant, earlier.contact):
            return
        trigger = Trigger(earlier.cause, earlier.at)
        self._move(Unmerge, owner, oldest, {earlier.contact}, trigger)
        self._move(Merge, oldest, owner, self._owned[owner].copy(), trigger)

    def share(self, contacts: Iterable[str], trigger: Trigger, *, shared: bool) -> None:
        """Let these contacts link nobody from now on, or link again, and weigh all that bears on it."""
        for contact in self._known(contacts):
            reached, _ = self._reach([contact])
            self._holdings[contact] = replace(self._holdings[contact], shared=shared)
            self.settle(reached, trigger)

    def beyond(self, contacts: Collection[str]) -> list[str]:
        """Return all other contacts of which there is evidence that has to do with these."""
        reached, _ = self._reach(self._known(contacts))
        return sorted(reached.difference(contacts))

    def profiles_of(self, contacts: Collection[str]) -> tuple[str, ...]:
        """Return the profiles that are about whoever has these contacts."""
        named = {ref for contact in contacts for ref in self._of_contact[contact]}
        whole = set(contacts)
        return tuple(sorted(ref for ref in named if self._held[ref] and self._held[ref] <= whole))

    def settle(self, seeds: Iterable[str], trigger: Trigger) -> None:
        """Weigh everything that bears on these contacts."""
        reached, claims = self._reach(seeds)
        contacts = sorted(reached)
        verdicts = [
            one for one in self._said.values() if one.one in reached and one.other in reached
        ]
        shared = {one for one in contacts if self._holdings[one].shared}
        popular = {one for one in contacts if self._holdings[one].popular}
        resolution = resolve(contacts, claims, verdicts, shared, popular)
        self._split(resolution.groups, trigger)
        self._join(resolution.groups, trigger)
        for claim in claims:
            self._held[claim.customer_ref].discard(claim.contact)
        for claim in claims:
            self._weighed(claim, resolution.refused.get(claim.key))

    def result(self) -> Settled:
        """Return all that changed."""
        claims = (one for key, one in self._claims.items() if self._before.get(key) != one)
        said = (one for key, one in self._said.items() if self._said_before.get(key) != one)
        return Settled(tuple(self._steps), tuple(claims), tuple(said), frozenset(self._popular))

    def _claim(self, profile: Profile, contact: str) -> None:
        key = (profile.customer_ref, contact)
        heard = Claim(
            customer_ref=profile.customer_ref,
            source=profile.source,
            contact=contact,
            changed_at=profile.changed_at,
            learned_at=profile.learned_at,
            cause=profile.event_id,
        )
        known = self._claims.get(key)
        if known is None:
            self._claims[key] = heard
            self._note(*key)
        elif heard.place < known.place:
            self._claims[key] = replace(heard, approved=known.approved, barred=known.barred)

    def _known(self, contacts: Iterable[str]) -> list[str]:
        return [contact for contact in contacts if contact in self._holdings]

    def _rule(self, decision: Decision) -> None:
        """Let the profiles' claims count, or not, as a person decided."""
        data = decision.data
        match data.kind:
            case DecisionKind.TOGETHER | DecisionKind.ACCEPT:
                self._bind(decision, data.profiles, data.contacts)
                self._bind(decision, data.other_profiles, data.others)
            case DecisionKind.UNMERGE:
                self._bar(decision, data.contacts, data.profiles)
                self._bar(decision, data.others, data.other_profiles)
                self._bind(decision, data.profiles, data.contacts)
                self._bind(decision, data.other_profiles, data.others)
            case DecisionKind.DISMISS:
                key = (data.customer_ref or "", data.contacts[0])
                self._ruled(key, barred=decision.decision_id)
            case DecisionKind.OPEN:
                for contact in chain(data.contacts, data.others):
                    for customer_ref in self._of_contact[contact]:
                        self._ruled((customer_ref, contact), barred=None)
            case _:
                pass

    def _bind(self, decision: Decision, profiles: Iterable[str], contacts: Sequence[str]) -> None:
        """Let profiles be about whoever has these contacts, whatever they name."""
        for customer_ref in profiles:
            named = self._of_profile[customer_ref].intersection(contacts)
            for contact in sorted(named) or self._known(contacts[:1]):
                key = (customer_ref, contact)
                known = self._claims.get(key) or said_so(decision, *key)
                self._claims[key] = replace(known, approved=decision.decision_id, barred=None)
                self._note(*key)

    def _bar(self, decision: Decision, contacts: Iterable[str], profiles: Collection[str]) -> None:
        """Let no other profile that names these contacts by now be about whoever has them."""
        for contact in contacts:
            for customer_ref in self._of_contact[contact].difference(profiles):
                self._ruled((customer_ref, contact), barred=decision.decision_id)

    def _ruled(self, key: tuple[str, str], *, barred: UUID | None) -> None:
        known = self._claims.get(key)
        if known is not None:
            approved = None if barred else known.approved
            self._claims[key] = replace(known, approved=approved, barred=barred)

    def _weighed(self, claim: Claim, refused: Reason | None) -> None:
        self._claims[claim.key] = replace(claim, refused=refused)
        self._hold(self._claims[claim.key])
        if refused is Reason.POPULAR:
            holding = self._holdings[claim.contact]
            self._holdings[claim.contact] = replace(holding, popular=True)
            self._popular.add(claim.contact)

    def _hold(self, claim: Claim) -> None:
        if claim.refused is None:
            self._held[claim.customer_ref].add(claim.contact)

    def _note(self, customer_ref: str, contact: str) -> None:
        self._of_profile[customer_ref].add(contact)
        self._of_contact[contact].add(customer_ref)

    def _reach(self, seeds: Iterable[str]) -> tuple[set[str], list[Claim]]:
        """Return the contacts and claims that bear on each other; a shared contact joins nothing."""
        contacts: set[str] = set()
        profiles: set[str] = set()
        waiting = list(seeds)
        while waiting:
            contact = waiting.pop()
            if contact in contacts:
                continue
            contacts.add(contact)
            waiting += self._owned[self._holdings[contact].owner]
            if self._holdings[contact].shared or self._holdings[contact].popular:
                continue
            for customer_ref in self._of_contact[contact] - profiles:
                profiles.add(customer_ref)
                waiting += self._of_profile[customer_ref]
        keys = ((ref, contact) for ref in profiles for contact in self._of_profile[ref])
        return contacts, [self._claims[key] for key in keys]

    def _split(self, groups: Collection[frozenset[str]], trigger: Trigger) -> None:
        """Let go of whoever nothing holds any more: each piece is whom its oldest contact was."""
        place = {contact: number for number, group in enumerate(groups) for contact in group}
        for owner in sorted({self._holdings[contact].owner for contact in place}):
            pieces: defaultdict[int, set[str]] = defaultdict(set)
            for contact in self._owned[owner]:
                pieces[place[contact]].add(contact)
            _, *leaving = sorted(pieces.values(), key=self._oldest)
            for piece in leaving:
                self._move(Unmerge, owner, self._oldest(piece).id, piece, trigger)

    def _join(self, groups: Collection[frozenset[str]], trigger: Trigger) -> None:
        for group in groups:
            owners = {self._holdings[contact].owner for contact in group}
            oldest_first = sorted(owners, key=lambda owner: self._oldest(self._owned[owner]))
            for absorbed in oldest_first[1:]:
                piece = self._owned[absorbed].copy()
                self._move(Merge, oldest_first[0], absorbed, piece, trigger)

    def _move(
        self,
        step: type[Merge | Unmerge],
        survivor: UUID,
        other: UUID,
        contacts: Collection[str],
        trigger: Trigger,
    ) -> None:
        to = survivor if step is Merge else other
        moved = [self._holdings[contact] for contact in sorted(contacts)]
        at = max(trigger.at, *(_earliest_move(holding) for holding in moved))
        for holding in moved:
            self._owned[holding.owner].discard(holding.contact)
            self._owned[to].add(holding.contact)
            self._holdings[holding.contact] = replace(holding, owner=to, moved_at=at)
        names = tuple(holding.contact for holding in moved)
        profiles = self.profiles_of(names)
        self._steps.append(
            step(survivor, other, names, trigger.cause, at, trigger.person, profiles)
        )

    def _oldest(self, contacts: Iterable[str]) -> Customer:
        holdings = (self._holdings[contact] for contact in contacts)
        return min(first_customer(self._tenant, one.contact, one.first_seen) for one in holdings)


def _earliest_move(holding: Holding) -> datetime:
    """Return the first moment at which a contact can move: no two of its moves are at the same."""
    return holding.moved_at + _TICK if holding.moved_at else holding.first_seen
