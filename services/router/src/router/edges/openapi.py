"""The OpenAPI document's decision record and errors, made from the Structs that are served."""

from typing import Any

import msgspec
from fastapi import FastAPI

from common.core.cases import Decision
from common.edges.problems import MEDIA_TYPE, Problem

_COMPONENTS = "#/components/schemas/{name}"
DECISION_ANSWER: dict[str, Any] = {
    "description": "The decision as it was recorded",
    "content": {"application/json": {"schema": {"$ref": _COMPONENTS.format(name="Decision")}}},
}


def refusal(description: str) -> dict[str, Any]:
    """Return what the OpenAPI document says of an error."""
    schema = {"$ref": _COMPONENTS.format(name=Problem.__name__)}
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}


def document_structs(app: FastAPI) -> None:
    """Let the app's OpenAPI document hold the schemas of the Structs that it refers to."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        _, schemas = msgspec.json.schema_components((Decision, Problem), ref_template=_COMPONENTS)
        document["components"]["schemas"].update(schemas)
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it
