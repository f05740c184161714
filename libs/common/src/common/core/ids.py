"""Ids are derived from what they name, so that the same thing met twice has the same id."""

from uuid import UUID, uuid5

import msgspec

NAMESPACE = UUID("6f2f5a0e-6d61-5646-9f6d-61646f677563")


def derived_id(*parts: str) -> UUID:
    """Return the UUIDv5 of the parts; ("a", "bc") and ("ab", "c") differ."""
    return uuid5(NAMESPACE, msgspec.json.encode(parts).decode())


def event_id(provider: str, account: str, provider_id: str) -> UUID:
    """Return the id of a provider's event: equal however often the provider delivers it."""
    return derived_id("event", provider, account, provider_id)


def customer_id(tenant: str, contact: str) -> UUID:
    """Return the id of the customer that a contact is before anybody has linked it to another."""
    return derived_id("customer", tenant, contact)


def trace_parent(event: UUID) -> str:
    """Return a W3C trace context rooted in the event itself, for a path nobody traced before."""
    return f"00-{event.hex}-{event.hex[:16]}-01"
