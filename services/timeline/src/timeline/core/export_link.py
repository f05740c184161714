"""Links to exports: good for a while, for whoever holds one, and for one export only."""

import hmac
from datetime import UTC, datetime
from uuid import UUID

from common.core.erasure import Marker


def signature(marker: Marker, tenant: str, export: UUID, expires: int) -> str:
    """Return what proves that we gave out a link that is good until `expires` (Unix time)."""
    return marker.sealed(f"export\n{tenant}\n{export}\n{expires}".encode())


def is_good(
    marker: Marker, tenant: str, export: UUID, expires: int, signed: str, now: datetime
) -> bool:
    """Whether a link is ours and not over."""
    if expires <= now.astimezone(UTC).timestamp():
        return False
    return hmac.compare_digest(signature(marker, tenant, export, expires), signed)
