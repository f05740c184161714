"""The parameters of Vonage's SMS API, which come as query, form or JSON as the dashboard says."""

from collections.abc import Mapping
from typing import Any

from common.core.adapters import Original
from common.core.payloads import form_fields, json_value, shaped


def parameters(original: Original) -> Mapping[str, str]:
    """Return the parameters as text. Raises UnreadableError."""
    if original.method == "GET":
        return dict(form_fields(original.url.partition("?")[2]))
    if not original.body.lstrip().startswith(b"{"):
        return dict(form_fields(original.body))
    found = shaped(json_value(original.body), dict[str, Any])
    return {name: str(text) for name, text in found.items() if text is not None}
