"""Where SES says that a mail lies, and a notification that got its mail."""

import json

import pytest
from tests.samples.golden import FOLDER, account_of, request

from common.core.adapters import Original
from common.core.events import Message, MessageKind
from ingest_email.core.providers import ses
from ingest_email.core.providers.ses import Place, place_of, with_mail

SAMPLES = FOLDER / "mail-webhooks" / "ses"


def notification(name: str = "stored-in-s3") -> Original:
    return request("ses", (SAMPLES / f"{name}.json").read_bytes())


def test_a_mail_lies_where_the_receipt_rule_put_it() -> None:
    place = Place("acme-mail", "inbound/d6iitobk75ur44p8kdnnp7g2n800")
    assert place_of(notification()) == place


@pytest.mark.parametrize("name", ["content-base64", "content-utf8", "subscription"])
def test_what_came_along_or_is_no_mail_lies_nowhere(name: str) -> None:
    assert place_of(notification(name)) is None


@pytest.mark.parametrize(
    "action", [{"type": "SNS"}, {"type": "S3", "bucketName": "acme-mail"}, {"type": "Lambda"}]
)
def test_an_action_without_an_object_names_no_place(action: dict[str, str]) -> None:
    told = json.loads(notification().body)
    message = json.loads(told["Message"])
    message["receipt"]["action"] = action
    changed = json.dumps(told | {"Message": json.dumps(message)}).encode()
    assert place_of(request("ses", changed)) is None


def test_a_notification_with_its_mail_keeps_everything_else_that_it_told() -> None:
    mail = "From: taro@example.jp\r\n\r\n返品したいです".encode()
    before, after = notification(), with_mail(notification(), mail)
    assert place_of(after) is None
    (headers_only,), (whole,) = (ses.parse(each, account_of("ses")) for each in (before, after))
    assert isinstance(whole.data, Message)
    assert isinstance(headers_only.data, Message)
    assert (whole.data.kind, whole.data.text) == (MessageKind.MESSAGE, "返品したいです")
    assert whole.provider_id == headers_only.provider_id
    assert whole.data.authenticity == headers_only.data.authenticity
    assert (after.received_at, after.account) == (before.received_at, before.account)
