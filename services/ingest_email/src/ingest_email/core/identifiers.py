"""Message-IDs (RFC 5322 §3.6.4): neither unique nor to be trusted, but all that threads have."""

import re
from hashlib import sha256

from ingest_email.core.headers import Headers
from ingest_email.core.limits import REFERENCES

_ID = re.compile(r"<([^<>\s]{1,500})>")
_MAX_CHARACTERS = 600
_IDENTITY = ("from", "to", "cc", "date", "subject")


def identifiers(raw: bytes) -> tuple[str, ...]:
    """Return the ids in a field with their brackets; prose and comments between them do not count."""
    text = "".join(character for character in raw.decode("latin-1") if character > "\x1f")
    return tuple(f"<{found}>" for found in _ID.findall(text) if "\x7f" not in found)


def references(headers: Headers) -> tuple[str, ...]:
    """Return the thread from its root on; in a long one the middle is left out, never the root."""
    found = tuple(dict.fromkeys(identifiers(headers.get("references"))))
    return found if len(found) <= REFERENCES else (found[0], *found[1 - REFERENCES :])


def message_id(headers: Headers, body: bytes) -> str:
    """Return the mail's id, or one derived from what the sender wrote where it has none.

    Trace fields are not part of it: they differ between two deliveries of one mail.
    """
    raw = headers.get("message-id")
    if found := identifiers(raw):
        return found[0]
    bare = raw.decode("latin-1").strip(" <>")
    if 0 < len(bare) < _MAX_CHARACTERS and bare.isprintable() and " " not in bare:
        return f"<{bare}>"
    digest = sha256()
    for name in _IDENTITY:
        digest.update(name.encode() + b":" + headers.get(name) + b"\n")
    digest.update(body_digest(body).encode())
    return f"<{digest.hexdigest()[:32]}@no-message-id.invalid>"


def body_digest(body: bytes) -> str:
    """Return a hash of the body that line ends and a last empty line do not change."""
    return sha256(body.replace(b"\r\n", b"\n").strip(b"\n")).hexdigest()[:32]
