"""Contacts: an address of a person as a kind and a normalised value, `kind:value`.

Equal addresses must become equal contacts whichever channel they came by, and different people
must stay apart: a wrong join shows one customer's history to another.
"""

import re
import unicodedata
from enum import StrEnum
from functools import lru_cache

import idna
import phonenumbers

MAX_LENGTH = 320  # the longest legal mail address: 64 + 1 + 255 (RFC 3696, erratum 1690)

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_DIALLING_PUNCTUATION = re.compile(r"[\s().\-‐-―−ー]")  # half of them survive NFKC in Japanese text
_NUMBER = re.compile(r"\+?[0-9]{7,15}")  # E.164
_SHORT_CODE = re.compile(r"[0-9]{3,6}")


class ContactKind(StrEnum):
    """The closed list of what a contact's prefix may be."""

    EMAIL = "email"
    TEL = "tel"
    SHORT_CODE = "short"
    SENDER_NAME = "sender"  # alphanumeric SMS sender, cannot be answered
    LINE = "line"
    META = "meta"
    WHATSAPP = "whatsapp"  # business-scoped user id, where the number is not known
    X = "x"
    TELEGRAM = "telegram"
    MASTODON = "mastodon"
    BLUESKY = "bluesky"
    APP = "app"  # any channel of the company's own: web chat, kiosk, mobile app


_KINDS = frozenset(kind.value for kind in ContactKind)


class InvalidContactError(ValueError):
    """The text cannot be an address of its kind."""


def email_contact(address: str) -> str:
    """Return `email:local@domain` for an address as written in a mail.

    Both sides are lower-cased (no provider in use tells mailboxes apart by case), the domain is
    ASCII by IDNA. Carriers' local parts such as `taro..y.` are real and kept.

    Raises InvalidContactError.
    """
    local, at, domain = _clean(address).strip("<> ").rpartition("@")
    if not (local and at and domain) or re.search(r"\s", domain):
        raise InvalidContactError("not a mail address")
    return _contact(ContactKind.EMAIL, f"{_folded(local)}@{_ascii_domain(domain)}")


def phone_contact(number: str, region: str) -> str:
    """Return `tel:+E164`, or `short:`/`sender:` where the sender is no telephone number.

    `region` is the ISO 3166 code that a number without country belongs to. Accepts full-width
    digits, separators, a `whatsapp:` or `tel:` prefix, and a leading `00` as `+`.

    Raises InvalidContactError where nothing is left to name.
    """
    text = _clean(number)
    text = text.partition(":")[2].strip() if text.startswith(("whatsapp:", "tel:")) else text
    digits = _DIALLING_PUNCTUATION.sub("", text)
    if _SHORT_CODE.fullmatch(digits):
        return _contact(ContactKind.SHORT_CODE, f"{region.upper()}:{digits}")
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    return _e164(digits, region) or _contact(ContactKind.SENDER_NAME, _folded(text))


def scoped_contact(kind: ContactKind, *parts: str) -> str:
    """Return a contact whose id is unique only within its scope, e.g. `line:<channel>:<userId>`.

    Platform ids are case-sensitive and opaque: kept as they are. Raises InvalidContactError.
    """
    cleaned = [_clean(part) for part in parts]
    if not all(cleaned):
        raise InvalidContactError(f"an empty part in a {kind} contact")
    return _contact(kind, ":".join(cleaned))


def kind_of(contact: str) -> ContactKind:
    """Return the kind of a well-formed contact. Raises InvalidContactError."""
    prefix, colon, value = contact.partition(":")
    if not (colon and value and prefix in _KINDS):
        raise InvalidContactError("not a contact: want kind:value")
    return ContactKind(prefix)


def normalised(contact: str, region: str = "JP") -> str:
    """Return the canonical form of a `kind:value` that somebody else wrote (a CRM, a query).

    Raises InvalidContactError.
    """
    kind, value = kind_of(contact), contact.partition(":")[2]
    if kind is ContactKind.EMAIL:
        return email_contact(value)
    if kind is ContactKind.TEL:
        return phone_contact(value, region)
    return _contact(kind, _clean(value))


# phonenumbers takes 50 µs a number, a tenth of what a whole webhook costs; customers write again.
@lru_cache(maxsize=65_536)
def _e164(digits: str, region: str) -> str | None:
    if not _NUMBER.fullmatch(digits):
        return None
    try:
        parsed = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if e164 != digits:  # of what is no number more prefixes may be left to take off
        return _e164(e164, region)
    # With its country a number may have more digits than any has.
    return _contact(ContactKind.TEL, e164) if _NUMBER.fullmatch(e164) else None


def _ascii_domain(domain: str) -> str:
    try:
        return idna.encode(domain.rstrip(".。"), uts46=True).decode().lower()
    except (idna.IDNAError, UnicodeError):
        return _folded(domain)  # wrong, but a person wrote from there: keep it distinct


def _clean(text: str) -> str:
    # Controls first: what they kept apart may be one letter.
    return unicodedata.normalize("NFKC", _CONTROL.sub("", text)).strip()


def _folded(text: str) -> str:
    """Return the text without case; normalised again, since folding takes letters apart."""
    return unicodedata.normalize("NFKC", text.casefold())


def _contact(kind: ContactKind, value: str) -> str:
    if not value or len(value) > MAX_LENGTH:
        raise InvalidContactError(f"a {kind} contact is empty or too long")
    return f"{kind}:{value}"
