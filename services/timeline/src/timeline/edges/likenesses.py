"""Profiles that may be of one person, looked for whenever one of them comes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.events import CustomerChanged
from common.core.ids import derived_id
from timeline.core.identity import Profile
from timeline.core.likeness import ALIKE, Likeness, keys_of, likeness
from timeline.core.values import storable

MOST_COMPARED = 50  # profiles for each key of a profile: a key that more have in common says little

_FORGET = text(
    """
    DELETE FROM profile_key
     WHERE tenant = :tenant AND customer_ref = ANY(CAST(:refs AS text[]))
    """
)
_KEEP = text(
    """
    INSERT INTO profile_key (tenant, key, customer_ref)
    SELECT :tenant, key, customer_ref
      FROM unnest(CAST(:keys AS text[]), CAST(:refs AS text[])) AS new (key, customer_ref)
    ON CONFLICT DO NOTHING
    """
)
_NEAR = text(
    """
    SELECT DISTINCT asked.customer_ref, near.customer_ref AS other, CAST(profile.body AS text)
      FROM unnest(CAST(:keys AS text[]), CAST(:refs AS text[])) AS asked (key, customer_ref)
     CROSS JOIN LATERAL (
       SELECT customer_ref FROM profile_key
        WHERE profile_key.key = asked.key AND tenant = :tenant
          AND customer_ref <> asked.customer_ref
        ORDER BY customer_ref LIMIT :most
     ) AS near
      JOIN profile ON profile.customer_ref = near.customer_ref AND profile.tenant = :tenant
    """
)
_FORGET_SUGGESTIONS = text(
    """
    DELETE FROM suggestion
     WHERE tenant = :tenant AND state = 'open'
       AND (one = ANY(CAST(:refs AS text[])) OR other = ANY(CAST(:refs AS text[])))
       AND NOT suggestion_id = ANY(CAST(:ids AS uuid[]))
    """
)
_SUGGEST = text(
    """
    INSERT INTO suggestion AS known (suggestion_id, tenant, one, other, score, likeness, found_at,
                                     state)
    SELECT id, :tenant, one, other, score, likeness, found_at, 'open'
      FROM unnest(CAST(:ids AS uuid[]), CAST(:ones AS text[]), CAST(:others AS text[]),
                  CAST(:scores AS real[]), CAST(CAST(:likenesses AS text[]) AS json[]),
                  CAST(:found AS timestamptz[]))
           AS new (id, one, other, score, likeness, found_at)
     ORDER BY id
    ON CONFLICT (suggestion_id) DO UPDATE
       SET score = excluded.score, likeness = excluded.likeness
    """
)


async def suggest(connection: AsyncConnection, tenant: str, profiles: Sequence[Profile]) -> None:
    """Compare new profiles with those that have a key in common, and keep which are alike."""
    if not profiles:
        return
    refs = [profile.customer_ref for profile in profiles]
    keys = [
        (storable(key), profile.customer_ref)
        for profile in profiles
        for key in sorted(keys_of(profile.data))
    ]
    named = {"keys": [key for key, _ in keys], "refs": [ref for _, ref in keys], "tenant": tenant}
    await connection.execute(_FORGET, {"tenant": tenant, "refs": refs})
    await connection.execute(_KEEP, named)
    near = await _near(connection, named)
    rows = {}
    for profile in profiles:
        for other, its in near[profile.customer_ref].items():
            alike = likeness(profile.data, its)
            if alike.score >= ALIKE:
                row = _row(tenant, profile, other, alike)
                rows[row["ids"]] = row
    await connection.execute(
        _FORGET_SUGGESTIONS, {"tenant": tenant, "refs": refs, "ids": list(rows)}
    )
    if rows:
        columns = {name: [row[name] for row in rows.values()] for name in next(iter(rows.values()))}
        await connection.execute(_SUGGEST, columns | {"tenant": tenant})


async def _near(
    connection: AsyncConnection, named: Mapping[str, Any]
) -> Mapping[str, Mapping[str, CustomerChanged]]:
    found: dict[str, dict[str, CustomerChanged]] = defaultdict(dict)
    for ref, other, body in await connection.execute(_NEAR, {**named, "most": MOST_COMPARED}):
        found[ref][other] = msgspec.json.decode(body, type=CustomerChanged)
    return found


def _row(tenant: str, profile: Profile, other: str, alike: Likeness) -> dict[str, Any]:
    one, two = sorted((profile.customer_ref, other))
    return {
        "ids": derived_id("suggestion", tenant, one, two),
        "ones": one,
        "others": two,
        "scores": alike.score,
        "likenesses": msgspec.json.encode(alike).decode(),
        "found": profile.learned_at,
    }
