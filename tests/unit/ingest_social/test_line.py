"""LINE's habits that a captured request does not show."""

from msgspec.structs import replace
from tests.samples.golden import FOLDER, account_of, drafts, request

from common.core.events import Message
from common.core.signatures import hmac_base64
from ingest_social.core.registry import ADAPTERS

LINE = ADAPTERS["line"]


def test_the_channel_secret_signs_the_raw_bytes() -> None:
    body = b'{"events": [], "destination": "U0"}'
    headers = {"x-line-signature": hmac_base64("sha256", b"secret", body)}
    original = replace(request("line", body), headers=headers)
    account = replace(account_of("line"), secrets=("secret",))
    assert LINE.authentic(original, account)
    assert not LINE.authentic(replace(original, body=body + b" "), account)


def test_the_check_of_our_address_is_no_message() -> None:
    assert (
        LINE.parse(request("line", b'{"events": [], "destination": "U0"}'), account_of("line"))
        == ()
    )


def test_a_destination_that_cannot_be_a_contact_leaves_the_request_unsupported() -> None:
    (draft,) = drafts("social", "line", b'{"events": [], "destination": ""}')
    assert draft.contact == "line:main:unknown"


def test_a_redelivered_event_differs_only_in_saying_so() -> None:
    first, again = (
        drafts("social", "line", (FOLDER / "social/line" / name).read_bytes())[0]
        for name in ("text.json", "text-redelivered.json")
    )
    assert isinstance(first.data, Message)
    assert isinstance(again.data, Message)
    assert again.data.attributes.pop("redelivery") == "true"
    assert first == again
