"""The documents under docs/contract/ are what the code means, and never break a reader."""

import json
from pathlib import Path

import jsonschema
import msgspec
import pytest

from common.core.contract import breaking_changes, contract_documents, topic_of
from common.core.event_types import EVENT_TYPES
from common.core.events import CustomerChanged, Message
from common.core.topics import ACTIVITIES, CONSENT, CUSTOMERS, MESSAGES, OUTBOUND, ROUTING

FOLDER = Path(__file__).parents[3] / "docs" / "contract"


def test_the_documents_say_what_the_code_does() -> None:
    present = {path.name: path.read_text("utf-8") for path in FOLDER.glob("*.json")}
    assert present == contract_documents(), "run `make contract`"


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_every_schema_is_a_valid_schema_and_no_reader_breaks(name: str) -> None:
    published = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(published)
    assert breaking_changes(published, json.loads(contract_documents()[f"{name}.json"])) == []


def test_every_type_has_its_topic() -> None:
    assert topic_of("io.madoguchi.message.received") == MESSAGES
    assert topic_of("io.madoguchi.message.requested") == OUTBOUND
    assert topic_of("io.madoguchi.customers.merged") == CUSTOMERS
    assert topic_of("io.madoguchi.case.routed") == ROUTING
    assert topic_of("io.madoguchi.attachment.stored") == MESSAGES
    assert topic_of("io.madoguchi.consent.changed") == CONSENT
    assert topic_of("io.madoguchi.activity.recorded") == ACTIVITIES


def test_what_would_break_a_reader_is_named() -> None:
    old = json.loads(msgspec.json.encode(msgspec.json.schema(Message)))
    new = json.loads(json.dumps(old))
    del new["$defs"]["Party"]
    message = new["$defs"]["Message"]
    del message["properties"]["text"]
    message["properties"]["subject"] = {"type": "integer"}
    message["required"].append("language")
    new["$defs"]["MessageKind"]["enum"].remove("edit")
    assert set(breaking_changes(old, new)) == {
        "Party is gone",
        "Message.text is gone",
        "Message.subject has another type",
        "Message.language became required",
        "MessageKind.value edit is gone",
    }


def test_an_optional_addition_breaks_nobody() -> None:
    old = json.loads(msgspec.json.encode(msgspec.json.schema(CustomerChanged)))
    new = json.loads(json.dumps(old))
    new["$defs"]["CustomerChanged"]["properties"]["mood"] = {"type": "string"}
    assert breaking_changes(old, new) == []
