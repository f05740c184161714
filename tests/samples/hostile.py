"""Hypothesis strategies for what a stranger, or a provider on a bad day, may send."""

import copy
import json
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

any_text = st.text(st.characters(codec=None, categories=None), max_size=20)
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=10,
)
SIGNATURES = (
    "authorization",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
    "x-amz-sns-message-id",
    "x-amz-sns-message-type",
    "x-hub-signature",
    "x-hub-signature-256",
    "x-line-signature",
    "x-sinch-webhook-signature",
    "x-sinch-webhook-signature-nonce",
    "x-sinch-webhook-signature-timestamp",
    "x-telegram-bot-api-secret-token",
    "x-twilio-email-event-webhook-signature",
    "x-twilio-email-event-webhook-timestamp",
    "x-twilio-signature",
    "x-twilio-webhooks-signature-settings",
    "x-twitter-webhooks-signature",
    "x-viber-content-signature",
)
headers = st.dictionaries(
    st.sampled_from(("content-type", *SIGNATURES)),
    any_text | st.sampled_from(("application/json", "application/x-www-form-urlencoded")),
)


@st.composite
def broken(draw: st.DrawFn, values: Sequence[Any]) -> bytes:
    """Draw one of the values as JSON, in which one part was replaced by another, of any shape."""
    value = copy.deepcopy(draw(st.sampled_from(values)))
    found = list(places(value))
    holder, key = draw(st.sampled_from(found))
    holder[key] = draw(any_json | st.sampled_from([copy.deepcopy(h[k]) for h, k in found]))
    return json.dumps(value).encode("utf-8", "surrogatepass")


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every place in a value as its holder and its key or index."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in pairs:
        yield value, key
        if isinstance(part, dict | list):
            yield from places(part)
