"""Address lists (RFC 5322 §3.4) as people and programs really write them, in linear time."""

import re
from collections.abc import Iterator

from msgspec import Struct

from ingest_email.core.charsets import decode
from ingest_email.core.cleaning import one_line
from ingest_email.core.limits import ADDRESSES, NAME_CHARACTERS
from ingest_email.core.words import decode_words

_TOKEN = re.compile(
    r'"(?:[^"\\]|\\.)*"|<[^<>,;]*(?:>|(?=[,;])|$)|\\.|[(),:;]|[^"<(),:;\\]+|["<\\]', re.DOTALL
)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_COMMENT = re.compile(r"\((?:[^()\\]|\\.){0,200}\)")
_RUN = re.compile(r'(?:"[^"]{1,64}"(?=@))?[^\s<>"]+')  # nothing here may try a place twice
_MAX_CHARACTERS = 320


class Mailbox(Struct, frozen=True):
    """One address as written, without brackets, and the name beside it. Either may be empty."""

    address: str
    name: str = ""


def read_addresses(raw: bytes, hint: str = "") -> tuple[Mailbox, ...]:
    """Return the mailboxes of an address field, groups opened, at most `limits.ADDRESSES`.

    Raw bytes are decoded before the list is taken apart (a Shift_JIS character may hold `@` or a
    backslash), encoded words after it (they may hold commas). Never raises.
    """
    return read_address_text(decode(raw, "", hint), hint)


def read_address_text(text: str, hint: str = "") -> tuple[Mailbox, ...]:
    """Return the mailboxes of an address list in a string, such as an SMTP envelope's."""
    found: list[Mailbox] = []
    for pieces in _entries(text):
        mailbox = _mailbox(pieces, hint)
        if mailbox.address or mailbox.name:
            found.append(mailbox)
        if len(found) == ADDRESSES:
            break
    return tuple(found)


class _Entry:
    """What was written between two commas."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.comments: list[str] = []
        self.address: str | None = None


def _entries(text: str) -> Iterator[_Entry]:
    entry, depth = _Entry(), 0
    for match in _TOKEN.finditer(text):
        piece = match[0]
        depth = max(0, depth + (piece == "(") - (piece == ")"))
        if depth or piece == ")":
            entry.comments.append(piece.strip("()"))
        elif piece in ",;":
            yield entry
            entry = _Entry()
        elif piece == ":" and not _is_address(entry.words):
            entry = _Entry()  # the name of a group
        elif piece.startswith("<") and len(piece) > 1:
            entry.address = piece.strip("<> \t")
        else:
            entry.words.append(piece)
    yield entry


def _is_address(words: list[str]) -> bool:
    return any("@" in word for word in words)


def _mailbox(entry: _Entry, hint: str) -> Mailbox:
    phrase = " ".join("".join(entry.words).split())
    if entry.address is not None:
        return Mailbox(_address(entry.address), _name(phrase or " ".join(entry.comments), hint))
    decoded = decode_words(phrase, hint)
    bare = next((run for run in _RUN.finditer(decoded) if "@" in run[0][1:-1]), None)
    if not bare:
        return Mailbox("", _name(phrase or " ".join(entry.comments), hint))
    before = decoded[: bare.start()].rstrip("<")
    return Mailbox(_address(bare[0]), _name(before or " ".join(entry.comments), hint))


def _address(text: str) -> str:
    """Return the address without a source route (`@a,@b:c@d`) and blanks around its parts."""
    text = one_line(_COMMENT.sub("", decode_words(text)), 2 * _MAX_CHARACTERS)
    if text.startswith("@") and ":" in text:
        text = text.rpartition(":")[2]
    compact = re.sub(r"\s*([@.])\s*", r"\1", text).strip("<>' ;,")
    is_quoted = compact.startswith('"') and '"@' in compact  # "a b"@example.jp
    return (compact if is_quoted else compact.strip("<>\"' ;,"))[:_MAX_CHARACTERS]


def _name(phrase: str, hint: str) -> str:
    unquoted = phrase.strip()
    if len(unquoted) > 1 and unquoted[0] == unquoted[-1] == '"':
        unquoted = unquoted[1:-1]
    text = decode_words(_QUOTED_PAIR.sub(r"\1", unquoted), hint)
    return one_line(text, NAME_CHARACTERS).strip("\"' <>")
