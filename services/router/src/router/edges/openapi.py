"""The OpenAPI document's decision record and errors, made from the Structs that are served."""

from typing import Any

import msgspec
from fastapi import FastAPI
from pydantic import BaseModel

from common.core.cases import Decision
from common.edges.problems import MEDIA_TYPE, Problem

Responses = dict[int | str, dict[str, Any]]

_COMPONENTS = "#/components/schemas/{name}"
_REFUSALS = {
    400: "The body is not JSON in UTF-8",
    401: "No bearer token, or none that is valid",
    403: "The token lacks the scope, or an agent asks for what is somebody else's",
    404: "This tenant has no such thing, or it is not the caller's",
    409: "It does not fit how things stand: `detail` says how",
    422: "A parameter or the body is not as described, or names what the rules do not know",
    503: "The database is away; try again",
}
DECISION_ANSWER: dict[str, Any] = {
    "description": "The decision as it was recorded",
    "content": {"application/json": {"schema": {"$ref": _COMPONENTS.format(name="Decision")}}},
}


def refusal(description: str) -> dict[str, Any]:
    """Return what the OpenAPI document says of an error."""
    schema = {"$ref": _COMPONENTS.format(name=Problem.__name__)}
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}


def refusals(*statuses: int) -> Responses:
    """Return what the OpenAPI document says of these errors."""
    return {status: refusal(_REFUSALS[status]) for status in statuses}


def answers(model: type[BaseModel], description: str) -> Responses:
    """Return what the OpenAPI document says of the answer to something done; 409 is part of it."""
    return {200: {"model": model, "description": description}, **refusals(409)}


def document_structs(app: FastAPI) -> None:
    """Let the app's OpenAPI document hold the schemas of the Structs that it refers to."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        _, schemas = msgspec.json.schema_components((Decision, Problem), ref_template=_COMPONENTS)
        document["components"]["schemas"].update(schemas)
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it
