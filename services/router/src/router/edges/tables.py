"""The router's tables, as far as Python writes and reads them; migrations/ has the whole of them."""

from sqlalchemy import Column, DateTime, Integer, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSON, JSONB

metadata = MetaData()

_moment = DateTime(timezone=True)

contact = Table(
    "contact",
    metadata,
    Column("tenant", Text),
    Column("contact", Text),
    Column("customer", Uuid),
    Column("moved_at", _moment),
)
profile = Table(
    "profile",
    metadata,
    Column("tenant", Text),
    Column("customer_ref", Text),
    Column("changed_at", _moment),
    Column("body", JSON),
)
profile_contact = Table(
    "profile_contact",
    metadata,
    Column("tenant", Text),
    Column("contact", Text),
    Column("customer_ref", Text),
)
support_case = Table(
    "support_case",
    metadata,
    Column("case_id", Uuid),
    Column("tenant", Text),
    Column("conversation", Text),
    Column("contact", Text),
    Column("participants", JSONB),
    Column("customer", Uuid),
    Column("channel", Text),
    Column("state", Text),
    Column("queue", Text),
    Column("plan", Text),
    Column("contract", Text),
    Column("priority", Integer),
    Column("skills", JSONB),
    Column("rank", _moment),
    Column("first_response_due", _moment),
    Column("resolution_due", _moment),
    Column("opened_at", _moment),
    Column("decided_by", Uuid),
    Column("subject", Text),
    Column("resolved_at", _moment),
)
decision = Table(
    "decision",
    metadata,
    Column("tenant", Text),
    Column("message_event", Uuid),
    Column("case_id", Uuid),
    Column("decided_at", _moment),
    Column("body", JSON),
)
