"""Which conversation a mail belongs to.

Our own signed token is believed first, then the root of the thread. A subject never joins: a
stranger who quotes a ticket number must not read or write in somebody's case.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Iterable, Sequence
from hashlib import sha256

from common.core.events import Conversation
from ingest_email.core.headers import Headers
from ingest_email.core.identifiers import identifiers, references

_KEY_BYTES = 15
_SIGNATURE_CHARACTERS = 16
_TOKEN_ID = re.compile(r"<([a-z2-7]{24})\.([\w-]{1,64})\.([a-z2-7]{16})@[^<>\s]+>", re.IGNORECASE)
_TOKEN_ADDRESS = re.compile(r"\+([a-z2-7]{24})\.([a-z2-7]{16})@", re.IGNORECASE)
_ROOT_THREAD_INDEX_BYTES = 22


def conversation_key(root: str) -> str:
    """Return the key of the thread that a Message-ID began: 24 letters and digits.

    Short and caseless, so that it survives in the local part of an address.
    """
    return _base32(sha256(root.encode("utf-8", "replace")).digest()[:_KEY_BYTES])


def signed_message_id(key: str, message: str, domain: str, secret: str) -> str:
    """Return the Message-ID to send an answer under, `<conversation.message.signature@domain>`."""
    return f"<{key}.{message}.{_signature(key, message, secret)}@{domain}>"


def signed_address(address: str, key: str, secret: str) -> str:
    """Return the Reply-To of an answer, `mailbox+conversation.signature@domain`."""
    local, _, domain = address.rpartition("@")
    return f"{local}+{key}.{_signature(key, '', secret)}@{domain}"


def signed_key(texts: Iterable[str], secrets: Sequence[str]) -> str | None:
    """Return the conversation that one of our own tokens names, if its signature holds."""
    for text in texts:
        for key, message, signature in _tokens(text):
            if any(_holds(key, message, signature, secret) for secret in secrets):
                return key.lower()
    return None


def read_conversation(
    headers: Headers, own_id: str, others: Iterable[str], secrets: Sequence[str]
) -> Conversation:
    """Return the conversation of a mail.

    Order: a token of ours in References, In-Reply-To or `others` (recipients); the first of
    References (its root, which clients keep when they shorten it); In-Reply-To; Outlook's
    Thread-Index, where an answer carries nothing else; the mail itself begins one.
    """
    thread = references(headers)
    answered = identifiers(headers.get("in-reply-to"))
    token = signed_key((*thread, *answered, *others), secrets)
    index = thread_index(headers)
    root = next(iter((*thread, *answered)), None) or index or own_id
    parent = answered[-1:] or thread[-1:]
    return Conversation(
        key=token or conversation_key(root),
        in_reply_to=parent[0] if parent else None,
        references=thread,
    )


def thread_index(headers: Headers) -> str | None:
    """Return the conversation in Outlook's Thread-Index, if the mail is an answer.

    The first 22 bytes name the conversation, each answer appends five. A first mail is known by
    its Message-ID, which others' answers refer to.
    """
    try:
        raw = base64.b64decode(headers.get("thread-index"), validate=True)
    except binascii.Error:
        return None
    if len(raw) <= _ROOT_THREAD_INDEX_BYTES or raw[0] != 1:
        return None
    return "thread-index:" + raw[:_ROOT_THREAD_INDEX_BYTES].hex()


def _tokens(text: str) -> list[tuple[str, str, str]]:
    ids = [(key, message, signature) for key, message, signature in _TOKEN_ID.findall(text)]
    return ids + [(key, "", signature) for key, signature in _TOKEN_ADDRESS.findall(text)]


def _holds(key: str, message: str, signature: str, secret: str) -> bool:
    return hmac.compare_digest(_signature(key, message, secret), signature.lower())


def _signature(key: str, message: str, secret: str) -> str:
    digest = hmac.digest(secret.encode(), f"{key}.{message}".lower().encode(), "sha256")
    return _base32(digest)[:_SIGNATURE_CHARACTERS]


def _base32(raw: bytes) -> str:
    return base64.b32encode(raw).decode().lower().rstrip("=")
