"""The newest profile of each reference, as rows."""

from collections.abc import Iterable, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from timeline.core.identity import Profile, newest

_KEEP = text(
    """
    INSERT INTO profile AS known (tenant, customer_ref, event_id, changed_at, body)
    SELECT :tenant, customer_ref, event_id, changed_at, CAST(convert_from(body, 'UTF8') AS json)
      FROM unnest(CAST(:refs AS text[]), CAST(:events AS uuid[]),
                  CAST(:changed AS timestamptz[]), CAST(:bodies AS bytea[]))
           AS new (customer_ref, event_id, changed_at, body)
     ORDER BY customer_ref
    ON CONFLICT (customer_ref, tenant) DO UPDATE
       SET event_id = excluded.event_id, changed_at = excluded.changed_at, body = excluded.body
     WHERE (excluded.changed_at, excluded.event_id) > (known.changed_at, known.event_id)
    RETURNING customer_ref
    """
)


async def keep_profiles(
    connection: AsyncConnection, tenant: str, profiles: Iterable[Profile]
) -> Sequence[Profile]:
    """Keep the newest profile of each reference; return those that are news."""
    last = newest(profiles)
    if not last:
        return []
    kept = await connection.scalars(
        _KEEP,
        {
            "tenant": tenant,
            "refs": [profile.customer_ref for profile in last],
            "events": [profile.event_id for profile in last],
            "changed": [profile.changed_at for profile in last],
            "bodies": [profile.body for profile in last],
        },
    )
    refs = set(kept)
    return [profile for profile in last if profile.customer_ref in refs]
