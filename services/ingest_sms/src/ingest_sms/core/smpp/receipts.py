"""Delivery receipts: parameters where the centre sends them, else its text (SMPP 3.4, Appendix B)."""

import re

from msgspec import Struct

from common.core.delivery import DeliveryStatus
from common.core.payloads import UnreadableError
from common.core.text import clean
from ingest_sms.core.smpp.pdu import Delivery

_RECEIPT, _INTERMEDIATE = 0x04, 0x20  # message types in esm_class
_MESSAGE_TYPE = 0x3C
_MESSAGE_ID, _MESSAGE_STATE = 0x001E, 0x0427

_STATES = {
    1: DeliveryStatus.SENT,  # en route
    2: DeliveryStatus.DELIVERED,
    3: DeliveryStatus.FAILED,  # expired
    4: DeliveryStatus.FAILED,  # deleted
    5: DeliveryStatus.FAILED,  # undeliverable
    6: DeliveryStatus.SENT,  # accepted, by whom is not told
    7: DeliveryStatus.QUEUED,  # unknown
    8: DeliveryStatus.FAILED,  # rejected
}
_WORDS = {
    "ENROUTE": 1,
    "DELIVRD": 2,
    "EXPIRED": 3,
    "DELETED": 4,
    "UNDELIV": 5,
    "ACCEPTD": 6,
    "UNKNOWN": 7,
    "REJECTD": 8,
}
_FIELD = re.compile(r"\b(id|stat|err):([^ ]+)", re.IGNORECASE)


class Receipt(Struct, frozen=True):
    """What became of `message_id`. `state` is SMPP's number for it, 0 where it is not told."""

    message_id: str
    state: int
    status: DeliveryStatus | None
    error_code: str | None = None


def is_receipt(pdu: Delivery) -> bool:
    """Whether the PDU tells of a message of ours."""
    return pdu.esm_class & _MESSAGE_TYPE in (_RECEIPT, _INTERMEDIATE)


def receipt(pdu: Delivery) -> Receipt:
    """Return what the PDU tells. Raises UnreadableError where it names no message."""
    text = clean(pdu.content.decode("latin-1"))
    told = {name.lower(): value for name, value in reversed(_FIELD.findall(text))}
    message_id = clean(pdu.tlvs.get(_MESSAGE_ID, b"").decode("latin-1")) or told.get("id", "")
    state = int.from_bytes(pdu.tlvs.get(_MESSAGE_STATE, b""), "big")
    state = state or _WORDS.get(told.get("stat", "").upper(), 0)
    if not message_id:
        raise UnreadableError("a receipt that names no message")
    status = _STATES.get(state)
    code = told.get("err") if status is DeliveryStatus.FAILED else None
    return Receipt(message_id, state, status, code)
