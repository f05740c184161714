"""Who wrote a mail and to whom, as contacts."""

from collections.abc import Iterable

from common.core.contacts import ContactKind, InvalidContactError, email_contact, scoped_contact
from common.core.events import Party
from ingest_email.core.addresses import Mailbox, read_address_text, read_addresses
from ingest_email.core.envelope import Envelope
from ingest_email.core.headers import Headers
from ingest_email.core.limits import ADDRESSES

NOBODY = scoped_contact(ContactKind.SENDER_NAME, "unknown")
_AUTHORS = ("from", "sender", "resent-from", "reply-to")
_ADDRESSEES = ("to", "cc", "bcc", "apparently-to")


def sender(headers: Headers, envelope: Envelope, hint: str) -> Party:
    """Return the author: the first usable address of From, Sender or Reply-To, or the envelope's.

    A mail that names no address has an author all the same: the name alone, or nobody.
    """
    written = [found for name in _AUTHORS for found in read_addresses(headers.get(name), hint)]
    mailboxes = [*written, *read_address_text(envelope.sender or "")]
    known = next((party for found in mailboxes if (party := _party(found))), None)
    if known:
        return known
    name = next((found.name or found.address for found in mailboxes), "")
    return Party(_name_contact(name), name or None)


def recipients(headers: Headers, hint: str) -> tuple[Party, ...]:
    """Return everybody that the mail says it is for, each once, in its order."""
    written = (
        found
        for name in _ADDRESSEES
        for value in headers.all(name)
        for found in read_addresses(value, hint)
    )
    parties: dict[str, Party] = {}
    for mailbox in written:
        party = _party(mailbox)
        if party:
            parties.setdefault(party.contact, party)
        if len(parties) == ADDRESSES:
            break
    return tuple(parties.values())


def contact_of(address: str) -> str | None:
    """Return the contact of a mail address, or None where it is none."""
    try:
        return email_contact(address)
    except InvalidContactError:
        return None


def addresses(mailboxes: Iterable[Mailbox]) -> str:
    """Return the addresses alone, comma separated."""
    return ", ".join(found.address for found in mailboxes if found.address)


def _party(mailbox: Mailbox) -> Party | None:
    contact = contact_of(mailbox.address)
    return Party(contact, mailbox.name or None, mailbox.address) if contact else None


def _name_contact(name: str) -> str:
    try:
        return scoped_contact(ContactKind.SENDER_NAME, name.casefold())
    except InvalidContactError:
        return NOBODY
