"""Object storage: a folder, or any bucket that obstore knows."""

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore as Store, from_url

from common.core.adapters import File
from common.core.errors import TransientError

PIECE_BYTES = 1_000_000


def file_key(tenant: str, sha256: str) -> str:
    """Return where a tenant's file lies that has this hash (hexadecimal)."""
    return f"files/{tenant}/{sha256[:2]}/{sha256}"


class ObjectStore:
    """Keys are slash-separated; contents are whole bytes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @classmethod
    def open(cls, where: str) -> "ObjectStore":
        """Open a folder (made if need be) or an s3://, gs:// or az:// URL."""
        if "://" in where:
            return cls(from_url(where))
        return cls(LocalStore(Path(where).resolve(), mkdir=True))

    async def put(self, key: str, content: bytes) -> None:
        """Store `content`. Raises TransientError where the store is away."""
        try:
            await obstore.put_async(self._store, key, content)
        except (BaseError, OSError) as error:
            raise TransientError(f"objects: {type(error).__name__}") from error

    async def put_path(self, key: str, path: Path) -> None:
        """Store a file of this machine, sent in parts. Raises TransientError."""
        try:
            await obstore.put_async(self._store, key, path)
        except (BaseError, OSError) as error:
            raise TransientError(f"objects: {type(error).__name__}") from error

    async def put_file(self, tenant: str, file: File) -> str:
        """Store a message's file under its own hash and return its key; equal files share one."""
        key = file_key(tenant, file.sha256)
        await self.put(key, file.content)
        return key

    async def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """Return a whole object or a range. Raises KeyError, TransientError."""
        try:
            if length is None:
                return bytes(await (await obstore.get_async(self._store, key)).bytes_async())
            return bytes(
                await obstore.get_range_async(self._store, key, start=start, length=length)
            )
        except FileNotFoundError as error:
            raise KeyError(key) from error
        except (BaseError, OSError) as error:
            raise TransientError(f"objects: {type(error).__name__}") from error

    async def delete(self, key: str) -> None:
        """Delete an object; one that is not there is no error. Raises TransientError."""
        try:
            await obstore.delete_async(self._store, key)
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise TransientError(f"objects: {type(error).__name__}") from error

    async def modified_at(self, key: str) -> datetime | None:
        """Return when an object was written last, UTC; None where there is none."""
        try:
            return (await obstore.head_async(self._store, key))["last_modified"]
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as error:
            raise TransientError(f"objects: {type(error).__name__}") from error

    async def size(self, key: str) -> int:
        """Return how many bytes an object has. Raises KeyError, TransientError."""
        try:
            return (await obstore.head_async(self._store, key))["size"]
        except FileNotFoundError as error:
            raise KeyError(key) from error
        except (BaseError, OSError) as error:
            raise TransientError(f"objects: {type(error).__name__}") from error

    async def pieces(self, key: str, start: int, length: int) -> AsyncIterator[bytes]:
        """Yield a range of an object piece by piece, so that none is held whole.

        Raises KeyError, TransientError.
        """
        for begin in range(start, start + length, PIECE_BYTES):
            yield await self.get(key, begin, min(PIECE_BYTES, start + length - begin))

    async def keys(self, prefix: str) -> list[str]:
        """Return the keys under `prefix`, sorted."""
        return sorted(
            [item["path"] async for batch in obstore.list(self._store, prefix) for item in batch]
        )
