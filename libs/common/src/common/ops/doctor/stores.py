"""Whether the object store and the keys of tokens can be reached."""

import asyncio

from joserfc.errors import JoseError
from obstore.exceptions import BaseError

from common.core.errors import TransientError
from common.core.operations.findings import Area, Finding, error, fine
from common.edges.objects import ObjectStore
from common.edges.service import instance_name
from common.edges.tokens import InvalidTokenError, TokenVerifier
from common.settings import CommonSettings

LIMIT_SECONDS = 20
_CONTENT = "窓口".encode()


async def objects_finding(settings: CommonSettings) -> Finding:
    """Write, read and delete an object."""
    where = settings.objects.partition("?")[0]
    key = f"doctor/{instance_name(settings)}"
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            store = ObjectStore.open(settings.objects)
            await store.put(key, _CONTENT)
            same = await store.get(key) == _CONTENT
            await store.delete(key)
    except (TransientError, BaseError, OSError, ValueError, KeyError) as fault:
        do = "see MADOGUCHI_OBJECTS, the bucket's rights and the credentials in the environment"
        cause = fault.__cause__ or fault
        return error(Area.OBJECTS, f"{where} cannot be written and read: {_short(cause)}", do)
    if not same:
        do = "use a store that reads what was just written"
        return error(Area.OBJECTS, f"{where} does not give back what was written", do)
    return fine(Area.OBJECTS, f"{where} can be written and read")


async def tokens_finding(settings: CommonSettings) -> Finding:
    """Read the keys that sign tokens, as a service would for its first request."""
    verifier = TokenVerifier(settings.jwks, settings.issuer, settings.audience)
    try:
        await verifier.principal("no token")
    except InvalidTokenError:
        return fine(Area.TOKENS, f"the keys at {settings.jwks} can be read")
    except (OSError, ValueError, KeyError, TypeError, JoseError) as fault:
        do = "see MADOGUCHI_JWKS, and who may reach it from here; until then all are answered 401"
        return error(Area.TOKENS, f"no keys at {settings.jwks}: {_short(fault)}", do)
    raise AssertionError("what is no token was taken for one")


def _short(fault: BaseException) -> str:
    lines = str(fault).splitlines()
    return f"{type(fault).__name__}: {lines[0]}"[:300] if lines else type(fault).__name__
