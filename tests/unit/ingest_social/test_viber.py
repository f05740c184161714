"""Viber's habits that a captured request does not show."""

from msgspec.structs import replace
from tests.samples.golden import account_of, drafts, request

from common.core.adapters import Outcome
from common.core.events import Message
from ingest_social.core.registry import ADAPTERS

VIBER = ADAPTERS["viber"]
TOKEN = "445da6az1s345z78-dazcczb2542zv51a-e0vc5fva17480im9"
BODY = '{"event":"webhook","timestamp":1768469405123,"message_token":5466394344559121456,"備考":"確認"}'
SIGNATURE = "a7570f323ad70983bd9b9b1f806a28143d857bd3978bfd5cd5dc93ffda71a6b9"  # by openssl


def test_the_authentication_token_signs_the_raw_bytes() -> None:
    original = request("viber", BODY.encode())
    signed = replace(original, headers={"x-viber-content-signature": SIGNATURE})
    account = replace(account_of("viber"), secrets=("newer", TOKEN))
    assert VIBER.authentic(signed, account)
    assert not VIBER.authentic(original, account)
    assert not VIBER.authentic(replace(signed, body=BODY.encode() + b" "), account)
    assert not VIBER.authentic(signed, replace(account, secrets=("newer",)))


def test_the_check_of_our_address_is_answered_200_and_is_no_message() -> None:
    assert drafts("social", "viber", BODY.encode()) == ()
    assert VIBER.answer(Outcome.ACCEPTED).status == 200


def test_two_bots_know_one_person_as_two() -> None:
    """Viber's ids of people are each bot's own: equal ids of two bots may be two people."""
    body = b'{"event":"subscribed","timestamp":1,"message_token":2,"user":{"id":"01234567890A="}}'
    (ours,) = VIBER.parse(request("viber", body), account_of("viber"))
    (other,) = VIBER.parse(request("viber", body), replace(account_of("viber"), account="other"))
    assert isinstance(ours.data, Message)
    assert ours.contact != other.contact
