"""What all text message providers share: numbers as contacts, and who speaks with whom."""

import re
from datetime import datetime

from common.core.adapters import ChannelAccount, Original
from common.core.contacts import ContactKind, phone_contact, scoped_contact
from common.core.drafting import Drafting, Exchange
from common.core.events import Channel, Party

UNKNOWN_SENDER = "sender:unknown"

_LONGEST_SHORT_CODE = 6
_USER_ID = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}")  # "Business-scoped user IDs"


def drafting(original: Original, account: ChannelAccount, signature: str) -> Drafting:
    """Return what the drafts of an SMS provider's request share."""
    return Drafting(
        original=original,
        account=account,
        channel=Channel.SMS,
        signature=signature,
        stranger=UNKNOWN_SENDER,
        ourselves=f"sender:{account.account}",
    )


def number_party(number: str, account: ChannelAccount, name: str | None = None) -> Party:
    """Return who has the number. Raises InvalidContactError."""
    return Party(phone_contact(number, account.region), name=name or None, address=number)


def whatsapp_party(who: str, account: ChannelAccount) -> Party:
    """Return who writes on WhatsApp: by number, or by an id where the number is kept from us.

    Raises InvalidContactError.
    """
    if _USER_ID.fullmatch(who):
        return Party(scoped_contact(ContactKind.WHATSAPP, who))
    return number_party(international(who), account)


def company_party(number: str | None, account: ChannelAccount) -> Party:
    """Return our side of an exchange; the account's own name where no number is told."""
    return number_party(international(number or account.account), account)


def exchange(customer: Party, company: Party, time: datetime | None = None) -> Exchange:
    """Return an exchange that belongs to the one conversation of these two numbers."""
    return Exchange(
        customer=customer,
        company=company,
        conversation=f"{company.contact}/{customer.contact}",
        time=time,
    )


def international(number: str) -> str:
    """Return the number with the `+` that many providers leave out before a country's code."""
    bare = number.strip()
    is_bare = bare.isdecimal() and len(bare) > _LONGEST_SHORT_CODE and not bare.startswith("0")
    return f"+{bare}" if is_bare else bare
