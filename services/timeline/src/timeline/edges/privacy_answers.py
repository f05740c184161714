"""What privacy officers ask and are answered, with examples."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field

from timeline.core.retention import ANY, RetentionRule

_NAME = r"^(\*|[a-z0-9_.]{1,60})$"


class Basis(StrEnum):
    """On which ground somebody is erased."""

    APPI = "appi-35"  # 利用停止・消去の請求
    APPI_NEEDLESS = "appi-22"  # 利用する必要がなくなったときの消去
    GDPR = "gdpr-17"
    CONTRACT = "contract-ended"
    OTHER = "other"


class AskedErasure(BaseModel):
    """Why somebody is to be erased. Name nobody here: it stays in the certificate."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"example": {"basis": "appi-35", "reference": "2026-個-0042"}},
    )

    basis: Basis
    reference: str | None = Field(
        None, description="the number of your own file", max_length=100, pattern=r"^[^\x00]*$"
    )


class AskedHold(BaseModel):
    """Why nothing of somebody may be deleted."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"example": {"reason": "訴訟のため保全 (令和8年(ワ)第123号)"}},
    )

    reason: str = Field(min_length=1, max_length=500, pattern=r"^[^\x00]*$")


class AskedRule(BaseModel):
    """How long entries of a kind and channel are kept; `*` stands for any."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str = Field(ANY, pattern=_NAME)
    channel: str = Field(ANY, pattern=_NAME)
    days: int = Field(ge=1, le=36_500)


class AskedRetention(BaseModel):
    """All rules of a company; what is not named here is kept without limit."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "example": {
                "rules": [
                    {"kind": "*", "channel": "*", "days": 1825},
                    {"kind": "*", "channel": "sms", "days": 365},
                ]
            }
        },
    )

    rules: list[AskedRule] = Field(max_length=100)


class RetentionView(Struct, frozen=True):
    """A company's rules of retention."""

    rules: tuple[RetentionRule, ...]


class ExportView(Struct, frozen=True, kw_only=True):
    """An export. `state`: asked, ready, deleted, gone (there is no such customer any more).

    `url` is where to fetch it until `url_expires_at`; ask again for another. The export itself is
    deleted at `expires_at`.
    """

    id: UUID
    state: str
    asked_by: str
    asked_at: datetime
    ready_at: datetime | None
    expires_at: datetime | None
    entries: int
    bytes: int
    sha256: str | None
    url: str | None
    url_expires_at: datetime | None


class AccessLine(Struct, frozen=True, kw_only=True):
    """Who read whom by which route. `hash` (hexadecimal) chains it to the one before."""

    sequence: int
    at: datetime
    subject: str
    route: str
    customer: UUID | None
    request_id: str
    hash: str


class AccessPage(Struct, frozen=True):
    """Records, newest first; `next` is the `before` of the page after this one, if there is one."""

    records: tuple[AccessLine, ...]
    next: int | None


_ID = "6604a6c9-96ef-55e1-a559-b098eccd55d0"
ERASURE: dict[str, Any] = {
    "id": _ID,
    "basis": "appi-35",
    "reference": "2026-個-0042",
    "asked_by": "privacy@example.jp",
    "erased_at": "2026-11-24T02:40:00Z",
    "state": "certified",
    "gone_at": "2027-02-23T02:45:00Z",
    "certificate": {
        "erasure": _ID,
        "tenant": "acme",
        "basis": "appi-35",
        "reference": "2026-個-0042",
        "asked_by": "privacy@example.jp",
        "erased_at": "2026-11-24T02:40:00Z",
        "certified_at": "2026-11-24T02:50:01Z",
        "done": [
            {
                "where": "timeline and search",
                "counts": {"entry": 41, "contact": 3, "names": 4},
                "at": "2026-11-24T02:50:01Z",
            },
            {"where": "router", "counts": {"cases": 2}, "at": "2026-11-24T02:40:01Z"},
        ],
        "retained": [{"where": "bus: messages.v1", "gone_by": "2026-12-25T02:45:00Z"}],
        "kept": [{"what": "marks (keyed hashes)", "why": "they name nobody"}],
        "signature": "4f6c0b0e…",
    },
}
HOLD: dict[str, Any] = {
    "reason": "訴訟のため保全 (令和8年(ワ)第123号)",
    "placed_by": "legal@example.jp",
    "placed_at": "2026-11-24T02:40:00Z",
}
RETENTION: dict[str, Any] = {"rules": [{"kind": "*", "channel": "*", "days": 1825}]}
EXPORT: dict[str, Any] = {
    "id": _ID,
    "state": "ready",
    "asked_by": "privacy@example.jp",
    "asked_at": "2026-11-24T02:40:00Z",
    "ready_at": "2026-11-24T02:40:03Z",
    "expires_at": "2026-12-01T02:40:03Z",
    "entries": 41,
    "bytes": 183204,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "url": f"/v1/exports/{_ID}/download?tenant=acme&expires=1795488600&signature=4f6c0b0e",
    "url_expires_at": "2026-11-24T02:50:00Z",
}
ACCESS: dict[str, Any] = {
    "records": [
        {
            "sequence": 18204,
            "at": "2026-11-24T02:40:00Z",
            "subject": "tanaka",
            "route": "GET /v1/customers/a240f8fe-5360-5a76-92d5-ce10ac1fab1c/timeline",
            "customer": "a240f8fe-5360-5a76-92d5-ce10ac1fab1c",
            "request_id": "5f2c1d",
            "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        }
    ],
    "next": None,
}
