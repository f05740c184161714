"""Delivery status only moves forward, however the provider's callbacks are ordered."""

from enum import StrEnum


class DeliveryStatus(StrEnum):
    """Where an outgoing message is: queued < sent < delivered < read; failed is final."""

    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


_RANK = {status: rank for rank, status in enumerate(DeliveryStatus)}


def later_status(known: DeliveryStatus | None, heard: DeliveryStatus) -> DeliveryStatus:
    """Return the status after hearing `heard`: commutative, associative and idempotent."""
    if known is None:
        return heard
    return max(known, heard, key=_RANK.__getitem__)
