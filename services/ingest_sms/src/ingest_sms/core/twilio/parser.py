"""Twilio's incoming messages and status callbacks, as form fields.

Fields by "Twilio's request to your incoming message Webhook URL" and "Track the message status".
Twilio does not say when a message was sent, so its time is when it reached us.
"""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

from msgspec.structs import replace

from common.core.adapters import Answer, ChannelAccount, Draft, Original, Outcome
from common.core.contacts import ContactKind, scoped_contact
from common.core.delivery import DeliveryStatus
from common.core.drafting import Content, Drafting, labelled, media_name, named, place_text, remote
from common.core.events import Attachment, Channel, MessageKind, Party
from common.core.keywords import keyword_kind
from common.core.payloads import UnreadableError, form_fields
from common.core.text import clean
from common.core.webhooks import ANSWERS
from ingest_sms.core.texting import drafting, exchange, number_party, whatsapp_party

ACCEPTED = Answer(200, b"<Response/>", "text/xml")  # TwiML for: say nothing to the customer
TWILIO_ANSWERS = MappingProxyType({**ANSWERS, Outcome.ACCEPTED: ACCEPTED})

_MAX_MEDIA = 10
_CHANNELS = {"whatsapp": Channel.WHATSAPP, "messenger": Channel.MESSENGER}
_RECEIVED = frozenset(["", "received", "receiving"])
_STATUSES = {
    "accepted": DeliveryStatus.QUEUED,
    "scheduled": DeliveryStatus.QUEUED,
    "queued": DeliveryStatus.QUEUED,
    "sending": DeliveryStatus.QUEUED,
    "sent": DeliveryStatus.SENT,
    "delivered": DeliveryStatus.DELIVERED,
    "partially_delivered": DeliveryStatus.DELIVERED,
    "read": DeliveryStatus.READ,
    "undelivered": DeliveryStatus.FAILED,
    "failed": DeliveryStatus.FAILED,
    "canceled": DeliveryStatus.FAILED,
}
_OPT_OUT_TYPES = {
    "STOP": MessageKind.OPT_OUT,
    "START": MessageKind.OPT_IN,
    "HELP": MessageKind.HELP,
}
_ATTRIBUTES = {
    "MessagingServiceSid": "messaging_service",
    "NumSegments": "segments",
    "OptOutType": "opt_out_type",  # Twilio has answered the customer already
    "ButtonPayload": "payload",
    "ListId": "list_id",
    "FromCountry": "from_country",
    "FromCity": "from_city",
    "ReferralSourceUrl": "referral_url",
    "ReferralHeadline": "referral_headline",
    "ReferralBody": "referral_body",
    "ReferralSourceId": "referral_source_id",
    "ReferralSourceType": "referral_source_type",
    "ReferralCtwaClid": "referral_click",
    "Forwarded": "forwarded",
    "FrequentlyForwarded": "frequently_forwarded",
    "OriginalRepliedMessageSender": "in_reply_to_sender",
    "ErrorCode": "webhook_error",  # this is the fallback URL: another address of ours failed
}
_PRESSED = ("ButtonPayload", "ListId")
_CHOSEN = ("Body", "ButtonText", "ListTitle")

Fields = Mapping[str, str]


def parse(original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
    """Return the message or status of one request."""
    get = original.method == "GET"
    pairs = form_fields(original.url.partition("?")[2] if get else original.body)
    fields = {clean(name): clean(value) for name, value in pairs}
    drafts = drafting(original, account, "twilio-signature")
    drafts = replace(drafts, channel=_CHANNELS.get(_scheme(fields), Channel.SMS))
    return drafts.each([fields], partial(_drafts, drafts), _name)


def _drafts(drafts: Drafting, fields: Fields) -> tuple[Draft]:
    sid, heard = _sid(fields), _heard(fields)
    if sid is None:
        raise UnreadableError("neither a message nor a status")
    if heard is not None:
        return (_status(drafts, fields, sid, heard),)
    theirs, ours = fields.get("From", ""), fields.get("To", "")
    customer = _party(theirs, ours, drafts.account, fields.get("ProfileName"))
    company = _party(ours or drafts.account.account, ours, drafts.account)
    return (drafts.message(sid, exchange(customer, company), _content(fields)),)


def _status(drafts: Drafting, fields: Fields, sid: str, heard: str) -> Draft:
    theirs, ours = fields.get("To", ""), fields.get("From", "")
    return drafts.status(
        sid,
        _party(theirs, ours, drafts.account),
        _STATUSES.get(heard),
        heard=heard,
        error_code=fields.get("ErrorCode") or None,
    )


def _content(fields: Fields) -> Content:
    text = next((fields[name] for name in _CHOSEN if fields.get(name)), _place(fields))
    content = Content(
        kind=_kind(fields),
        text=text,
        attachments=_media(fields),
        in_reply_to=fields.get("OriginalRepliedMessageSid") or None,
    )
    return labelled(content, {label: fields.get(name) for name, label in _ATTRIBUTES.items()})


def _kind(fields: Fields) -> MessageKind:
    if any(fields.get(name) for name in _PRESSED):
        return MessageKind.POSTBACK
    told = _OPT_OUT_TYPES.get(fields.get("OptOutType", "").upper())
    return told or keyword_kind(fields.get("Body"))


def _place(fields: Fields) -> str | None:
    latitude, longitude = fields.get("Latitude"), fields.get("Longitude")
    if not (latitude and longitude):
        return None
    names = (fields.get("Label"), fields.get("Address"))
    return place_text(*names, latitude=latitude, longitude=longitude)


def _media(fields: Fields) -> tuple[Attachment, ...]:
    found = []
    for index in range(_MAX_MEDIA):
        if url := fields.get(f"MediaUrl{index}"):
            media_type = fields.get(f"MediaContentType{index}") or "application/octet-stream"
            found.append(remote(media_name(media_type, index + 1), media_type, url))
    return tuple(found)


def _party(address: str, ours: str, account: ChannelAccount, name: str | None = None) -> Party:
    """Return who has an address such as `+81…`, `whatsapp:+81…`, `rcs:+81…` or `messenger:…`.

    Messenger's ids are unique within the page only, which is our side of the exchange.
    """
    scheme, colon, bare = address.partition(":")
    if scheme == "messenger":
        page = ours.partition(":")[2]
        return Party(scoped_contact(ContactKind.META, page, bare), name, address)
    if scheme == "whatsapp":
        return replace(whatsapp_party(bare, account), name=name, address=address)
    return replace(number_party(bare if colon else address, account, name), address=address)


def _scheme(fields: Fields) -> str:
    return fields.get("From", "").partition(":")[0]


def _name(fields: Fields) -> str | None:
    return named(_sid(fields), _heard(fields))


def _heard(fields: Fields) -> str | None:
    """Return what became of a message of ours; None where this is a message to us."""
    word = fields.get("MessageStatus") or fields.get("SmsStatus", "")
    return None if word in _RECEIVED else word


def _sid(fields: Fields) -> str | None:
    return fields.get("MessageSid") or fields.get("SmsSid") or None
