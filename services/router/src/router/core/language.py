"""In which language a customer wants an answer."""

from common.core.events import Message
from common.core.language import language_of as language_of_text
from router.core.facts import Customer
from router.core.text import written


def language_of(message: Message, customer: Customer, default: str) -> str:
    """Return a primary language subtag (RFC 5646), lower-case.

    First what the channel says, then what the text shows, then the customer's profile.
    """
    said = message.language or language_of_text(written(message))
    tag = said or customer.language or default
    return tag.replace("_", "-").partition("-")[0].lower()
