"""Who said stop: the last word of each contact to each of our addresses, in whatever order it comes."""

from collections.abc import Collection, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.cloudevents import Event
from common.core.consent import later_consent
from common.core.events import ConsentChanged
from router.core.acceptance import accepted_consent

TenantContact = tuple[str, str]

# The order of common.core.consent.later_consent.
_KEEP = text(
    """
    INSERT INTO consent (tenant, contact, address, state, changed_at, message)
    SELECT * FROM unnest(CAST(:tenant AS text[]), CAST(:contact AS text[]),
                         CAST(:address AS text[]), CAST(:state AS text[]),
                         CAST(:changed_at AS timestamptz[]), CAST(:message AS uuid[]))
                  AS heard (tenant, contact, address, state, changed_at, message)
     ORDER BY contact, tenant, address
    ON CONFLICT (contact, tenant, address) DO UPDATE
      SET state = excluded.state, changed_at = excluded.changed_at, message = excluded.message
      WHERE (consent.changed_at, consent.state = 'opted_out', consent.message)
            < (excluded.changed_at, excluded.state = 'opted_out', excluded.message)
    """
)
_OPTED_OUT = text(
    """
    SELECT DISTINCT tenant, contact FROM consent
      JOIN unnest(CAST(:tenant AS text[]), CAST(:contact AS text[])) AS asked (tenant, contact)
     USING (tenant, contact)
     WHERE state = 'opted_out'
    """
)


async def keep_consents(connection: AsyncConnection, said: Sequence[Event]) -> None:
    """Take in what contacts said of being written to. Raises PoisonError."""
    last: dict[tuple[str, str, str], ConsentChanged] = {}
    for event in said:
        if isinstance(event.data, ConsentChanged):
            change = accepted_consent(event.data)
            key = (event.attributes.tenant, change.contact, change.address)
            last[key] = later_consent(last.get(key), change)
    if last:
        columns = {
            "tenant": [tenant for tenant, _, _ in last],
            "contact": [contact for _, contact, _ in last],
            "address": [address for _, _, address in last],
            "state": [change.state for change in last.values()],
            "changed_at": [change.changed_at for change in last.values()],
            "message": [change.message for change in last.values()],
        }
        await connection.execute(_KEEP, columns)


async def opted_out(
    connection: AsyncConnection, contacts: Collection[TenantContact]
) -> set[TenantContact]:
    """Return which of these contacts told any address of ours to stop."""
    asked = {
        "tenant": [tenant for tenant, _ in contacts],
        "contact": [contact for _, contact in contacts],
    }
    rows = await connection.execute(_OPTED_OUT, asked)
    return {(row.tenant, row.contact) for row in rows}
