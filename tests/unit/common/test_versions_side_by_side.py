"""Two versions on one bus: an older reader reads a newer event, a newer one an older event."""

import json

import msgspec
import pytest
from jsonschema import Draft202012Validator

from common.core.contract import breaking_changes, contract_documents
from common.core.event_types import EVENT_TYPES
from common.core.events import Message
from upgrade.examples import UNKNOWN, Example

NAMES = sorted(EVENT_TYPES)
SCHEMAS = {name: json.loads(contract_documents()[f"{name}.json"]) for name in NAMES}


def read(name: str, value: object) -> object:
    return msgspec.json.decode(json.dumps(value), type=EVENT_TYPES[name])


@pytest.mark.parametrize("name", NAMES)
def test_an_older_reader_passes_over_what_a_newer_writer_adds(name: str) -> None:
    newer = Example(whole=True, newer=True).of(EVENT_TYPES[name])
    assert UNKNOWN in newer
    known = Example(whole=True).of(EVENT_TYPES[name])
    assert read(name, newer) == read(name, known)


@pytest.mark.parametrize("name", NAMES)
def test_a_newer_reader_does_without_what_an_older_writer_did_not_know(name: str) -> None:
    # Inside a version only optional fields are added: an older event lacks some of those.
    older = Example(whole=False).of(EVENT_TYPES[name])
    written = json.loads(msgspec.json.encode(read(name, older)))
    Draft202012Validator(SCHEMAS[name]).validate(written)
    assert read(name, older) == read(name, written)


def test_a_new_value_of_an_enumeration_breaks_readers_that_do_not_know_it() -> None:
    name = "io.madoguchi.message.received"
    event = Example(whole=False).of(EVENT_TYPES[name])
    with pytest.raises(msgspec.ValidationError):
        read(name, event | {"kind": "hologram"})
    old = json.loads(msgspec.json.encode(msgspec.json.schema(Message)))
    new = json.loads(json.dumps(old))
    new["$defs"]["MessageKind"]["enum"].append("hologram")
    assert breaking_changes(old, new) == [
        "MessageKind.value hologram is new: first read, then write"
    ]
