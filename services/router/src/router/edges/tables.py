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
    Column("queued_at", _moment),
    Column("units", Integer),
    Column("version", Integer),
    Column("agent", Text),
    Column("offer", Uuid),
    Column("offered_until", _moment),
    Column("preferred", Text),
    Column("reserved_until", _moment),
    Column("refusals", JSONB),
    Column("ring", Integer),
    Column("held_until", _moment),
    Column("first_responded_at", _moment),
    Column("paused_at", _moment),
    Column("told", JSONB),
    Column("wake_at", _moment),
    Column("subject", Text),
    Column("resolved_at", _moment),
)
agent = Table(
    "agent",
    metadata,
    Column("tenant", Text),
    Column("agent", Text),
    Column("name", Text),
    Column("team", Text),
    Column("skills", JSONB),
    Column("queues", JSONB),
    Column("capacity", Integer),
    Column("channels", JSONB),
    Column("presence", Text),
    Column("seen_at", _moment),
    Column("changed_at", _moment),
    Column("wrap_up_until", _moment),
    Column("used", JSONB),
    Column("load", Integer),
    Column("free_since", _moment),
    Column("version", Integer),
    Column("wake_at", _moment),
)
offer = Table(
    "offer",
    metadata,
    Column("offer_id", Uuid),
    Column("tenant", Text),
    Column("case_id", Uuid),
    Column("agent", Text),
    Column("queue", Text),
    Column("state", Text),
    Column("made_at", _moment),
    Column("expires_at", _moment),
    Column("agent_version", Integer),
    Column("ended_at", _moment),
)
decision = Table(
    "decision",
    metadata,
    Column("tenant", Text),
    Column("message_event", Uuid),
    Column("cause", Uuid),
    Column("case_id", Uuid),
    Column("decided_at", _moment),
    Column("body", JSON),
)
decision_input = Table(
    "decision_input",
    metadata,
    Column("tenant", Text),
    Column("message_event", Uuid),
    Column("cause", Uuid),
    Column("decided_at", _moment),
    Column("contact", Text),
    Column("body", JSON),
)
answer = Table(
    "answer",
    metadata,
    Column("tenant", Text),
    Column("message_event", Uuid),
    Column("case_id", Uuid),
    Column("answered_at", _moment),
)
account = Table(
    "account",
    metadata,
    Column("tenant", Text),
    Column("account", Text),
    Column("changed_at", _moment),
    Column("body", JSON),
)
account_domain = Table(
    "account_domain",
    metadata,
    Column("tenant", Text),
    Column("domain", Text),
    Column("account", Text),
)
