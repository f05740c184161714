"""The contract on the bus, generated from the types: JSON Schemas and one AsyncAPI 3 document."""

from collections.abc import Mapping
from typing import Any

import msgspec

from common.core.event_types import EVENT_TYPES
from common.core.topics import (
    ACTIVITIES,
    ALL_TOPICS,
    CONSENT,
    CUSTOMERS,
    MESSAGES,
    OUTBOUND,
    ROUTING,
    Topic,
)

_TOPIC_OF = {
    "message.requested": OUTBOUND,
    "message.": MESSAGES,
    "attachment.": MESSAGES,
    "consent.": CONSENT,
    "customer": CUSTOMERS,
    "identity.": CUSTOMERS,
    "activity.": ACTIVITIES,
    "case.": ROUTING,
    "offer.": ROUTING,
    "sla.": ROUTING,
    "survey.": ROUTING,
    "rules.": ROUTING,
    "agent.": ROUTING,
}
_PREFIX = "io.madoguchi."


def topic_of(event_type: str) -> Topic:
    """Return the topic that a type travels on."""
    name = event_type.removeprefix(_PREFIX)
    return next(topic for prefix, topic in _TOPIC_OF.items() if name.startswith(prefix))


def contract_documents() -> dict[str, str]:
    """Return file name → content of everything under docs/contract/."""
    documents = {f"{name}.json": _text(_schema(name)) for name in EVENT_TYPES}
    return {**documents, "asyncapi.json": _text(_asyncapi())}


def breaking_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return what a reader or writer of the old schema would stumble over in the new one."""
    found: list[str] = []
    for name, known in _definitions(old).items():
        now = _definitions(new).get(name)
        if now is None:
            found.append(f"{name} is gone")
            continue
        found += [f"{name}.{line}" for line in _property_changes(known, now)]
    return found


def _property_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    properties = new.get("properties", {})
    changes = [f"{name} is gone" for name in old.get("properties", {}) if name not in properties]
    changes += [
        f"{name} has another type"
        for name, was in old.get("properties", {}).items()
        if name in properties and _shape(properties[name]) != _shape(was)
    ]
    added = set(new.get("required", ())) - set(old.get("required", ()))
    changes += [f"{name} became required" for name in sorted(added)]
    changes += [
        f"value {value} is gone" for value in old.get("enum", ()) if value not in new["enum"]
    ]
    # A reader that does not know it refuses the whole event.
    changes += [
        f"value {value} is new: first read, then write"
        for value in new.get("enum", ())
        if value not in old.get("enum", ())
    ]
    return changes


def _shape(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name not in ("default", "description")}


def _definitions(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    definitions: Mapping[str, Any] = schema["$defs"]
    return definitions


def _schema(event_type: str) -> dict[str, Any]:
    schema = msgspec.json.schema(EVENT_TYPES[event_type])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": event_type,
        **schema,
    }


def _asyncapi() -> dict[str, Any]:
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Madoguchi events",
            "version": "1.0.0",
            "description": (
                "CloudEvents 1.0 on Kafka. We write binary mode and read binary and structured mode. "
                "Extensions: tenant, partitionkey, traceparent. Within v1 only optional fields are added."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in ALL_TOPICS},
        "operations": {
            f"on-{topic.name}": {
                "action": "receive",
                "channel": {"$ref": f"#/channels/{topic.name}"},
            }
            for topic in ALL_TOPICS
        },
        "components": {"messages": {name: _message(name) for name in EVENT_TYPES}},
    }


def _channel(topic: Topic) -> dict[str, Any]:
    names = [name for name in EVENT_TYPES if topic_of(name) == topic]
    return {
        "address": topic.name,
        "description": f"{topic.purpose}; key: {topic.key}",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": ["compact" if topic.compacted else "delete"],
                    "retention.ms": topic.retention_ms,
                },
            }
        },
    }


def _message(event_type: str) -> dict[str, Any]:
    return {
        "name": event_type,
        "summary": (EVENT_TYPES[event_type].__doc__ or "").strip().splitlines()[0],
        "contentType": "application/json",
        "payload": {"$ref": f"./{event_type}.json"},
    }


def _text(document: Mapping[str, Any]) -> str:
    encoded = msgspec.json.encode(document, order="sorted")
    return msgspec.json.format(encoded, indent=2).decode() + "\n"
