"""Companies and the profiles that name them, as rows."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.events import Account
from timeline.core.identity import LONGEST_REF, Profile

_FORGET = text(
    """
    DELETE FROM account_member
     WHERE tenant = :tenant AND customer_ref = ANY(CAST(:refs AS text[]))
    """
)
_NAME = text(
    """
    INSERT INTO account_member (tenant, account_id, customer_ref)
    SELECT :tenant, account_id, customer_ref
      FROM unnest(CAST(:accounts AS text[]), CAST(:refs AS text[]))
           AS new (account_id, customer_ref)
     ORDER BY account_id, customer_ref
    """
)
# Of two profiles the one that tells contracts or domains counts, then the newer.
_KEEP = text(
    """
    INSERT INTO account AS known (tenant, account_id, tells, told_at, cause, body)
    SELECT DISTINCT ON (account_id) :tenant, account_id, tells, told_at, cause, CAST(body AS json)
      FROM unnest(CAST(:accounts AS text[]), CAST(:tells AS boolean[]),
                  CAST(:told AS timestamptz[]), CAST(:causes AS uuid[]), CAST(:bodies AS text[]))
           AS new (account_id, tells, told_at, cause, body)
     ORDER BY account_id, tells DESC, told_at DESC, cause DESC
    ON CONFLICT (account_id, tenant) DO UPDATE
       SET tells = excluded.tells, told_at = excluded.told_at, cause = excluded.cause,
           body = excluded.body
     WHERE (excluded.tells, excluded.told_at, excluded.cause)
           > (known.tells, known.told_at, known.cause)
    """
)


async def keep_accounts(
    connection: AsyncConnection, tenant: str, profiles: Sequence[Profile]
) -> None:
    """Keep which accounts new profiles name, and what they tell of them."""
    if not profiles:
        return
    refs = [profile.customer_ref for profile in profiles]
    await connection.execute(_FORGET, {"tenant": tenant, "refs": refs})
    named = [(profile, account) for profile in profiles if (account := _account(profile))]
    if not named:
        return
    columns = {
        "tenant": tenant,
        "accounts": [account.account_id for _, account in named],
        "refs": [profile.customer_ref for profile, _ in named],
        "tells": [bool(account.domains or account.contracts) for _, account in named],
        "told": [profile.changed_at for profile, _ in named],
        "causes": [profile.event_id for profile, _ in named],
        "bodies": [msgspec.json.encode(account).decode() for _, account in named],
    }
    await connection.execute(
        _NAME, {name: columns[name] for name in ("tenant", "accounts", "refs")}
    )
    del columns["refs"]
    await connection.execute(_KEEP, columns)


def _account(profile: Profile) -> Account | None:
    account = profile.data.account
    if account is None or "\x00" in account.account_id:
        return None
    return account if 0 < len(account.account_id) <= LONGEST_REF else None
