"""Which PDUs a message centre may deliver again, because it may not have had our answer.

SMPP gives a delivery no id. Until the centre has provably read our answer, a PDU with the same
content that comes in another session is the same delivery; in the same session it is a customer who
wrote the same words twice.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from common.edges.database import passing_errors

_CLAIM = text(
    """
    INSERT INTO delivery AS known (account, fingerprint, first_seen_at, session, sequence)
    VALUES (:account, :fingerprint, :now, :session, :sequence)
    ON CONFLICT (account, fingerprint) DO UPDATE SET
      first_seen_at = CASE
        WHEN known.first_seen_at > :since
         AND (CAST(:refused AS bool) OR known.session <> :session OR known.sequence = :sequence)
        THEN known.first_seen_at ELSE :now END,
      session = :session,
      sequence = :sequence
    RETURNING first_seen_at
    """
)
_SETTLE = text(
    "DELETE FROM delivery WHERE account = :account AND session = :session "
    "AND fingerprint = ANY(CAST(:fingerprints AS text[]))"
)
_FORGET = text("DELETE FROM delivery WHERE account = :account AND first_seen_at <= :before")


class Claim(Struct, frozen=True):
    """One arrival of a PDU. `refused`: this session asked for it once more itself."""

    account: str
    fingerprint: str
    session: str
    sequence: int
    refused: bool


class DeliveryStore:
    """Every method raises TransientError where Postgres is away."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def claim(self, claim: Claim, now: datetime, window: timedelta) -> datetime:
        """Return when the delivery was first seen: `now`, or earlier where it comes again."""
        values = {
            "account": claim.account,
            "fingerprint": claim.fingerprint,
            "session": claim.session,
            "sequence": claim.sequence,
            "refused": claim.refused,
            "now": now,
            "since": now - window,
        }
        async with passing_errors(), self._engine.begin() as connection:
            found: datetime = (await connection.execute(_CLAIM, values)).scalar_one()
            return found

    async def settle(self, account: str, session: str, fingerprints: Sequence[str]) -> None:
        """Forget deliveries whose answer the centre has read: the same words again are new ones."""
        values = {"account": account, "session": session, "fingerprints": list(fingerprints)}
        async with passing_errors(), self._engine.begin() as connection:
            await connection.execute(_SETTLE, values)

    async def forget(self, account: str, before: datetime) -> None:
        """Forget deliveries that no centre repeats any more."""
        async with passing_errors(), self._engine.begin() as connection:
            await connection.execute(_FORGET, {"account": account, "before": before})
