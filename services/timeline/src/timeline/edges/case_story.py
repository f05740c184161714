"""Cases as the figures' own group follows them: what a desk shows of them beside a customer."""

from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import text

from common.edges.database import ReadConnection
from timeline.core.case_story import CaseStory

_COLUMNS = "SELECT story FROM figure_case"
_OF_CONTACTS = """
     WHERE contact = ANY(CAST(:contacts AS text[])) AND tenant = :tenant
       AND generation = (SELECT number FROM figure_generation WHERE live)
"""
# A customer has few contacts: what is open is sought among their newest cases.
_OPEN = text(f"{_COLUMNS} {_OF_CONTACTS} AND open ORDER BY last_at DESC, case_id LIMIT :most")
_LATEST = text(f"{_COLUMNS} {_OF_CONTACTS} ORDER BY last_at DESC, case_id LIMIT :most")

_read = msgspec.json.Decoder(CaseStory).decode


async def open_cases(
    connection: ReadConnection, tenant: str, contacts: Collection[str], most: int = 100
) -> list[CaseStory]:
    """Return the cases of these contacts that are not resolved, the last changed first."""
    return await _stories(connection, _OPEN, tenant, contacts, most)


async def latest_cases(
    connection: ReadConnection, tenant: str, contacts: Collection[str], most: int = 20
) -> list[CaseStory]:
    """Return the last cases of these contacts, resolved or not, the last changed first.

    Their `agents` are whom the customer knows, their `ratings` what he thought of them.
    """
    return await _stories(connection, _LATEST, tenant, contacts, most)


async def _stories(
    connection: ReadConnection, query: Any, tenant: str, contacts: Collection[str], most: int
) -> list[CaseStory]:
    asked = {"tenant": tenant, "contacts": list(contacts), "most": most}
    return [_read(story) for story in await connection.scalars(query, asked)]
