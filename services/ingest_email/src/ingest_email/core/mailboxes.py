"""The ways in which one mailbox of ours may be written."""

import re
from collections.abc import Iterator

import idna

_EXTENSION = re.compile(r"\+[^@]*@")


def spellings(address: str) -> Iterator[str]:
    """Yield the address as written, with its domain in Unicode, and both without `+extension`."""
    for spelling in dict.fromkeys((address, _in_unicode(address))):
        yield spelling
        if _EXTENSION.search(spelling):
            yield _EXTENSION.sub("@", spelling, count=1)


def _in_unicode(address: str) -> str:
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{idna.decode(domain.lower())}"
    except (idna.IDNAError, UnicodeError):
        return address
