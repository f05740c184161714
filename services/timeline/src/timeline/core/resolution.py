"""Who is one person: a function of the evidence, the same in whatever order it came.

What people said comes first, in the order in which they said it. Then each claim of a profile joins
what it names to the profile's other contacts, in the order in which the claims were true, unless a
guard refuses.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct, field

from timeline.core.evidence import Claim, Said, Verdict
from timeline.core.guards import (
    MOST_CONTACTS,
    MOST_REFERENCES,
    Reason,
    scope_of_contact,
    scope_of_profile,
    too_fast,
)


class Resolution(Struct, frozen=True):
    """Who belongs together, and which claims (`Claim.key`) link nobody."""

    groups: tuple[frozenset[str], ...]
    refused: Mapping[tuple[str, str], Reason]


def resolve(
    contacts: Iterable[str],
    claims: Iterable[Claim],
    verdicts: Iterable[Verdict],
    shared: Collection[str] = (),
    popular: Collection[str] = (),
) -> Resolution:
    """Return who is one person, as far as these contacts and what is claimed of them tell.

    `shared` and `popular` contacts link nobody: people said so, or too many profiles name them.
    """
    in_order = sorted(claims, key=lambda claim: claim.place)
    named = Counter(contact for _, contact in {claim.key for claim in in_order})
    by_count = {contact for contact, times in named.items() if times > MOST_REFERENCES}
    resolving = _Resolving(contacts, in_order, sorted(verdicts))
    return resolving.resolution(shared, by_count.union(popular))


class _Group(Struct):
    contacts: set[str] = field(default_factory=set)
    nodes: set[tuple[str, ...]] = field(default_factory=set)
    scopes: set[str] = field(default_factory=set)
    joined: list[datetime] = field(default_factory=list)


class _Resolving:
    """Groups while they are made. A node is a contact, or a profile by its reference."""

    def __init__(
        self, contacts: Iterable[str], claims: Sequence[Claim], verdicts: Sequence[Verdict]
    ) -> None:
        self._group: dict[tuple[str, ...], _Group] = {}
        self._claims = claims
        self._verdicts = verdicts
        self._apart: defaultdict[str, set[str]] = defaultdict(set)
        for verdict in verdicts:
            if verdict.said is Said.APART:
                self._apart[verdict.one].add(verdict.other)
                self._apart[verdict.other].add(verdict.one)
        for contact in contacts:
            self._add(("contact", contact), {contact}, scope_of_contact(contact))
        for claim in claims:
            self._add(("profile", claim.customer_ref), set(), scope_of_profile(claim.source))

    def resolution(self, shared: Collection[str], popular: Collection[str]) -> Resolution:
        """Return the groups in the end."""
        self._shared, self._popular = shared, popular
        for verdict in self._verdicts:
            self._bond(verdict)
        refused = self._approve() | self._weigh()
        groups = {id(group): group for group in self._group.values() if group.contacts}
        return Resolution(tuple(frozenset(group.contacts) for group in groups.values()), refused)

    def _add(self, node: tuple[str, ...], contacts: set[str], scope: str | None) -> None:
        if node not in self._group:
            self._group[node] = _Group(contacts, {node}, {scope} if scope else set())

    def _bond(self, verdict: Verdict) -> None:
        one, other = (self._group.get(("contact", name)) for name in (verdict.one, verdict.other))
        if verdict.said is not Said.TOGETHER or not one or not other or one is other:
            return
        if not self._kept_apart(one, other):
            self._unite(one, other, None)

    def _approve(self) -> dict[tuple[str, str], Reason]:
        """Join what people approved, unless they also keep it apart."""
        refused = {}
        for claim in self._claims:
            if claim.approved is None:
                continue
            one, other = self._sides(claim)
            if one is other:
                continue
            if self._kept_apart(one, other):
                refused[claim.key] = Reason.KEPT_APART
            else:
                self._unite(one, other, None)
        return refused

    def _weigh(self) -> dict[tuple[str, str], Reason]:
        refused = {}
        for claim in self._claims:
            one, other = self._sides(claim)
            if claim.approved is not None or one is other:
                continue
            reason = self._why_not(claim, one, other)
            if reason:
                refused[claim.key] = reason
            else:
                both = bool(one.contacts and other.contacts)
                self._unite(one, other, claim.changed_at if both else None)
        return refused

    def _why_not(self, claim: Claim, one: _Group, other: _Group) -> Reason | None:
        if claim.contact in self._shared:
            return Reason.SHARED
        if claim.contact in self._popular:
            return Reason.POPULAR
        if claim.barred is not None or self._kept_apart(one, other):
            return Reason.KEPT_APART
        if one.scopes & other.scopes:
            return Reason.CONFLICT
        if len(one.contacts) + len(other.contacts) > MOST_CONTACTS:
            return Reason.TOO_LARGE
        growing = bool(one.contacts and other.contacts)
        if growing and too_fast(one.joined + other.joined, claim.changed_at):
            return Reason.TOO_FAST
        return None

    def _sides(self, claim: Claim) -> tuple[_Group, _Group]:
        profile = self._group["profile", claim.customer_ref]
        return profile, self._group["contact", claim.contact]

    def _kept_apart(self, one: _Group, other: _Group) -> bool:
        few, many = sorted((one.contacts, other.contacts), key=len)
        return any(self._apart[contact] & many for contact in few if contact in self._apart)

    def _unite(self, one: _Group, other: _Group, at: datetime | None) -> None:
        few, many = sorted((one, other), key=lambda group: len(group.nodes))
        many.contacts |= few.contacts
        many.nodes |= few.nodes
        many.scopes |= few.scopes
        many.joined += few.joined
        if at:
            many.joined.append(at)
        for node in few.nodes:
            self._group[node] = many
