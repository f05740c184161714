"""What people and their tools write and read of who is who."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from timeline.core.guards import Reason

Note = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f]+$")]

_HANAKO = "a240f8fe-5360-5a76-92d5-ce10ac1fab1c"
_OTHER = "0b6c7a52-4ad0-5f2e-8b8a-3f6a4f4f9a01"
_MERGE = "5b0e0e39-6f0b-5f43-9d02-7a3f0b2c5d11"
_CAUSE = "3c8bb5d9-7e0d-5c9f-8e33-0f5b3f6f8b11"
_TEL = "tel:+819012345678"
_MAIL = "email:hanako.suzuki@example.jp"


def _shown(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"example": example}, from_attributes=True)


class NoteBody(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"note": "代表番号"}})

    note: Note | None = None


class MergeBody(NoteBody):
    """With whom a customer is one."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"other": _OTHER, "note": "電話で本人に確認"}}
    )

    other: UUID = Field(description="any id of the other customer")


class UnmergeBody(NoteBody):
    """Which merge was wrong."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"merge_id": _MERGE, "note": "ご家族の電話"}}
    )

    merge_id: UUID = Field(description="of `merges` in the customer's links")


_STEP: dict[str, Any] = {"survivor": _HANAKO, "other": _OTHER, "contacts": [_TEL]}


class StepView(BaseModel):
    """`contacts` moved between two customers: from `other` to `survivor` by a merge, back by an unmerge."""

    model_config = _shown(_STEP)

    survivor: UUID
    other: UUID
    contacts: tuple[str, ...]


class DecisionView(BaseModel):
    """What followed from a decision."""

    model_config = _shown({"decision_id": _CAUSE, "merged": [_STEP], "unmerged": []})

    decision_id: UUID = Field(description="the cause of all of it, and the event's id on the bus")
    merged: list[StepView]
    unmerged: list[StepView]


_LINK: dict[str, Any] = {
    "customer_ref": "crm-1024",
    "source": "/crm",
    "contact": _TEL,
    "cause": _CAUSE,
    "since": "2026-11-20T01:00:00Z",
    "learned_at": "2026-11-20T01:12:09Z",
    "approved": None,
    "barred": None,
    "refused": None,
}


class LinkView(BaseModel):
    """A profile names a contact, first in the event `cause`: the evidence."""

    model_config = _shown(_LINK)

    customer_ref: str
    source: str = Field(description="the system that says so")
    contact: str
    cause: UUID
    since: datetime
    learned_at: datetime
    approved: UUID | None = Field(description="the decision by which it counts whatever happens")
    barred: UUID | None = Field(description="the decision by which it does not count")
    refused: Reason | None = Field(description="why it links nobody; null: it does")


_MERGED: dict[str, Any] = {
    "merge_id": _MERGE,
    "survivor": _HANAKO,
    "absorbed": _OTHER,
    "contacts": [_TEL],
    "cause": _CAUSE,
    "person": None,
    "merged_at": "2026-11-20T01:12:09Z",
    "undone_at": None,
    "undone_by": None,
}


class MergeView(BaseModel):
    """A merge: what moved, when, by which event or whose decision, and whether it was undone."""

    model_config = _shown(_MERGED)

    merge_id: UUID
    survivor: UUID
    absorbed: UUID
    contacts: tuple[str, ...]
    cause: UUID
    person: str | None
    merged_at: datetime
    undone_at: datetime | None
    undone_by: UUID | None


_VERDICT: dict[str, Any] = {
    "one": _MAIL,
    "other": "email:taro.suzuki@example.jp",
    "said": "apart",
    "person": "sato",
    "cause": _CAUSE,
    "since": "2026-11-21T05:00:00Z",
}


class VerdictView(BaseModel):
    """What a person said of two contacts: they are one's (`together`) or never (`apart`)."""

    model_config = _shown(_VERDICT)

    one: str
    other: str
    said: str
    person: str
    cause: UUID
    since: datetime


class LinksView(BaseModel):
    """Why a customer is one customer, and what was not linked."""

    model_config = _shown(
        {"customer_id": _HANAKO, "links": [_LINK], "merges": [_MERGED], "said": [_VERDICT]}
    )

    customer_id: UUID
    links: list[LinkView]
    merges: list[MergeView]
    said: list[VerdictView]


_REVIEW: dict[str, Any] = {
    "review_id": "1c5f9d0a-2a6d-5d0e-b1a3-7a3f0b2c5d11",
    "customer_ref": "crm-2077",
    "contact": _TEL,
    "reason": "conflict",
    "cause": _CAUSE,
    "found_at": "2026-11-20T01:12:09Z",
    "state": "open",
    "person": None,
    "closed_at": None,
    "profile_customer": _OTHER,
    "contact_customer": _HANAKO,
}


class ReviewView(BaseModel):
    """A contact that a profile names and that was not linked: why, and by which event."""

    model_config = _shown(_REVIEW)

    review_id: UUID
    customer_ref: str
    contact: str
    reason: Reason
    cause: UUID
    found_at: datetime
    state: str = Field(description="`open`, `accepted`, `dismissed`, or `settled`: linked by now")
    person: str | None
    closed_at: datetime | None
    profile_customer: UUID | None = Field(description="whom the profile is about, if anybody")
    contact_customer: UUID | None = Field(description="whose the contact is, if anybody's")


class ReviewPage(BaseModel):
    """What waits, oldest first; `next` is the `after` of the next page."""

    model_config = _shown({"items": [_REVIEW], "next": None})

    items: list[ReviewView]
    next: str | None


_SUGGESTION: dict[str, Any] = {
    "suggestion_id": "7d1b1d8e-7c55-5a37-8d3f-5f0a3e0a8b21",
    "customer_ref": "crm-1024",
    "other_ref": "shop-77",
    "other_customer": _OTHER,
    "score": 0.96,
    "name": 1.0,
    "company": None,
    "telephone": 0.92,
    "mail": None,
    "found_at": "2026-11-24T02:41:00Z",
    "state": "open",
}


class SuggestionView(BaseModel):
    """Another customer who may be the same person, and how alike their profiles are, from 0 to 1."""

    model_config = _shown(_SUGGESTION)

    suggestion_id: UUID
    customer_ref: str
    other_ref: str
    other_customer: UUID
    score: float
    name: float | None
    company: float | None
    telephone: float | None
    mail: float | None
    found_at: datetime
    state: str


class SuggestionsView(BaseModel):
    """Who may be the same person, the most alike first."""

    model_config = _shown({"suggestions": [_SUGGESTION]})

    suggestions: list[SuggestionView]


_BLOCKED: dict[str, Any] = {
    "contact": "email:info@",
    "note": "代表アドレス",
    "person": "sato",
    "since": "2026-11-20T01:00:00Z",
}


class BlockedView(BaseModel):
    """A contact that is nobody's own; one that ends in `@` is that mailbox in any domain."""

    model_config = _shown(_BLOCKED)

    contact: str
    note: str | None
    person: str
    since: datetime


class BlocklistView(BaseModel):
    """Contacts that link nobody; `next` is the `after` of the next page."""

    model_config = _shown({"blocked": [_BLOCKED], "next": None})

    blocked: list[BlockedView]
    next: str | None
