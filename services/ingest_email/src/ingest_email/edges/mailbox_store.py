"""Where each IMAP folder's cursor is kept."""

from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from common.edges.database import passing_errors
from ingest_email.core.folders import Cursor

MIGRATIONS = Path(__file__).parent.parent / "migrations"

_LOAD = text(
    "SELECT validity, last_uid FROM folder_cursor WHERE account = :account AND folder = :folder"
)
# Two replicas may read one folder; the one that is behind must not turn the cursor back.
_STORE = text(
    """
    INSERT INTO folder_cursor AS kept (account, folder, validity, last_uid)
    VALUES (:account, :folder, :validity, :last_uid)
    ON CONFLICT (account, folder) DO UPDATE
    SET validity = excluded.validity,
        last_uid = CASE WHEN kept.validity = excluded.validity
                        THEN greatest(kept.last_uid, excluded.last_uid)
                        ELSE excluded.last_uid END
    """
)


class MailboxStore:
    """The table `folder_cursor`. Every method raises TransientError where Postgres is away."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def load(self, account: str, folder: str) -> Cursor | None:
        """Return how far the folder is read, or None where it never was."""
        names = {"account": account, "folder": folder}
        async with passing_errors(), self._engine.connect() as connection:
            row = (await connection.execute(_LOAD, names)).one_or_none()
        return Cursor(row.validity, row.last_uid) if row else None

    async def store(self, account: str, folder: str, cursor: Cursor) -> None:
        """Return once the cursor is committed."""
        values = {
            "account": account,
            "folder": folder,
            "validity": cursor.validity,
            "last_uid": cursor.last_uid,
        }
        async with passing_errors(), self._engine.begin() as connection:
            await connection.execute(_STORE, values)
