"""In which language a customer wants an answer."""

import re

from common.core.events import Message
from router.core.facts import Customer
from router.core.text import written

_SCRIPTS = {
    "ja": re.compile(r"[\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9f]"),  # kana, also half-width
    "ko": re.compile(r"[\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3]"),
    "th": re.compile(r"[\u0e01-\u0e5b]"),
}
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003134f]")
_LATIN_WORDS = re.compile(r"[a-z]{2,}(?:\W+[a-z]+){2,}", re.IGNORECASE)
_ADDRESSES = re.compile(r"https?://\S+|\S+@\S+")


def language_of(message: Message, customer: Customer, default: str) -> str:
    """Return a primary language subtag (RFC 5646), lower-case.

    First what the channel says, then what the script shows, then what the customer's profile
    says. Han characters alone may be Japanese or Chinese and show nothing; three Latin words in
    a row, addresses aside, are taken for English.
    """
    if message.language:
        return _primary(message.language)
    return _shown(written(message)) or _primary(customer.language or default)


def _primary(tag: str) -> str:
    return tag.replace("_", "-").partition("-")[0].lower()


def _shown(text: str) -> str | None:
    for language, script in _SCRIPTS.items():
        if script.search(text):
            return language
    if not _HAN.search(text) and _LATIN_WORDS.search(_ADDRESSES.sub(" ", text)):
        return "en"
    return None
