"""How far each account that we ask has been read."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from common.core.adapters import ChannelAccount
from common.edges.database import passing_errors

_READ = text("SELECT position FROM poll_cursor WHERE provider = :provider AND account = :account")
_WRITE = text(
    "INSERT INTO poll_cursor (provider, account, position) VALUES (:provider, :account, :position) "
    "ON CONFLICT (provider, account) DO UPDATE SET position = excluded.position"
)


class Cursors:
    """The table `poll_cursor`. Every method raises TransientError where Postgres is away."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def position(self, account: ChannelAccount) -> str | None:
        """Return where to go on, or None where we never asked."""
        asked = {"provider": account.provider, "account": account.account}
        async with passing_errors(), self._engine.connect() as connection:
            found: str | None = (await connection.execute(_READ, asked)).scalar_one_or_none()
            return found

    async def reached(self, account: ChannelAccount, position: str) -> None:
        """Note that everything up to here is safe."""
        told = {"provider": account.provider, "account": account.account, "position": position}
        async with passing_errors(), self._engine.begin() as connection:
            await connection.execute(_WRITE, told)
