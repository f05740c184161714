"""The OpenAPI document's answers, made from the Structs that are served."""

from typing import Any

import msgspec
from fastapi import FastAPI

from common.edges.problems import MEDIA_TYPE, Problem
from timeline.core.conversations import Conversations
from timeline.core.customers import CustomerView
from timeline.core.figures_table import FiguresAnswer
from timeline.core.figures_targets import TargetsAnswer, TargetView
from timeline.core.file_links import FileAccess
from timeline.core.head import Head
from timeline.core.items import KnownEntry
from timeline.core.pages import Page
from timeline.core.search_hits import Hits
from timeline.edges.examples import CONVERSATIONS, CUSTOMER, ENTRY, FILE_LINK, PAGE
from timeline.edges.head_examples import HEAD
from timeline.edges.search_examples import HITS

_COMPONENTS = "#/components/schemas/{name}"
_SERVED = (
    Conversations,
    CustomerView,
    FileAccess,
    Head,
    KnownEntry,
    Page,
    Hits,
    FiguresAnswer,
    TargetsAnswer,
    TargetView,
    Problem,
)
_REFUSALS = {
    400: "The contact or the cursor is none, or the body is no JSON",
    401: "No bearer token, or none that is valid",
    403: "The token lacks the scope",
    404: "This tenant has no such customer, entry, file or target",
    409: "It does not fit how things stand: `detail` says how",
    410: "The message was unsent: nobody should see it again",
    416: "The file ends before the range begins",
    422: "A parameter is missing or out of its bounds; too little to search for",
    503: "The database is away, or a search took too long; try again",
}


def _answer(
    served: type[msgspec.Struct], media_type: str, description: str, example: object
) -> dict[str, Any]:
    schema = {"$ref": _COMPONENTS.format(name=served.__name__)}
    return {
        "description": description,
        "content": {media_type: {"schema": schema, "example": example}},
    }


CUSTOMER_ANSWER = _answer(CustomerView, "application/json", "The customer", CUSTOMER)
PAGE_ANSWER = _answer(Page, "application/json", "A page of the history", PAGE)
HEAD_ANSWER = _answer(Head, "application/json", "The customer at a glance", HEAD)
ENTRY_ANSWER = _answer(KnownEntry, "application/json", "The entry", ENTRY)
CONVERSATIONS_ANSWER = _answer(
    Conversations, "application/json", "A page of conversations", CONVERSATIONS
)
FILE_LINK_ANSWER = _answer(FileAccess, "application/json", "Where the file can be read", FILE_LINK)
HTML_ANSWER: dict[str, Any] = {
    "description": "A page on which nothing runs and nothing is loaded from elsewhere",
    "content": {"text/html": {"schema": {"type": "string"}, "example": "<!doctype html>…"}},
}
_BYTES = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
FILE_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file", "content": _BYTES},
    206: {"description": "The range of it that was asked for", "content": _BYTES},
}
HITS_ANSWER = _answer(Hits, "application/json", "A page of what was found", HITS)


def answered(served: type[msgspec.Struct], description: str, example: object) -> dict[str, Any]:
    """Return what the OpenAPI document says of an answer in JSON; `served` is one of `_SERVED`."""
    return _answer(served, "application/json", description, example)


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what the OpenAPI document says of these errors."""
    return {
        status: _answer(
            Problem,
            MEDIA_TYPE,
            _REFUSALS[status],
            {"type": "about:blank", "title": "…", "status": status, "detail": "…"},
        )
        for status in statuses
    }


def document_structs(app: FastAPI) -> None:
    """Let the app's OpenAPI document hold the schemas of the Structs that it refers to."""
    generate = app.openapi
    _, schemas = msgspec.json.schema_components(_SERVED, ref_template=_COMPONENTS)

    def openapi() -> dict[str, Any]:
        document = generate()
        document["components"].setdefault("schemas", {}).update(schemas)
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it
