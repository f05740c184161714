"""What tools read of companies."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

_ACCOUNT: dict[str, Any] = {
    "account_id": "A-77",
    "name": "株式会社あおぞら",
    "domains": ["aozora.example.jp"],
    "contracts": [
        {"contract_id": "K-1", "plan": "standard", "starts_at": "2026-04-01T00:00:00+09:00"}
    ],
    "people": 2,
}
_PERSON: dict[str, Any] = {
    "customer_id": "a240f8fe-5360-5a76-92d5-ce10ac1fab1c",
    "name": "鈴木 花子",
    "tier": "gold",
    "profiles": ["crm-1024"],
}


class AccountView(BaseModel):
    """A company: what the newest profile that tells of it says, and how many people belong to it."""

    model_config = ConfigDict(json_schema_extra={"example": _ACCOUNT})

    account_id: str
    name: str | None
    domains: tuple[str, ...]
    contracts: list[dict[str, Any]] = Field(
        description="as profiles tell them: promised to everybody"
    )
    people: int


class PersonView(BaseModel):
    """Somebody who belongs to a company, by these profiles."""

    model_config = ConfigDict(json_schema_extra={"example": _PERSON})

    customer_id: UUID
    name: str | None
    tier: str | None
    profiles: list[str]


class PeoplePage(BaseModel):
    """People in the order of their ids; `next` is the `after` of the next page."""

    model_config = ConfigDict(json_schema_extra={"example": {"people": [_PERSON], "next": None}})

    people: list[PersonView]
    next: UUID | None
