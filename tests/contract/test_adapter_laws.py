"""What holds for every webhook adapter, whatever arrives."""

import itertools
import json
from functools import reduce

import msgspec
import pytest
from hypothesis import given, strategies as st
from tests.samples.golden import ADAPTERS, RECEIVED_AT, account_of, request, samples
from tests.samples.hostile import any_json, any_text, broken, headers, places

from common.core.adapters import Adapter, Draft, Original, Outcome
from common.core.delivery import DeliveryStatus, later_status
from common.core.events import MessageStatus

ALL = {name: adapter for adapters in ADAPTERS.values() for name, adapter in adapters.items()}
SAMPLES = [path for service in ADAPTERS for path in samples(service)]
BODIES = {name: [path.read_bytes() for path in SAMPLES if path.parent.name == name] for name in ALL}
VALUES = {
    name: [
        value
        for path in SAMPLES
        if path.parent.name == name and path.suffix == ".json"
        if (value := json.loads(path.read_bytes()))
    ]
    for name in ALL
}
every_adapter = pytest.mark.parametrize("adapter", ALL.values(), ids=ALL)


def parsed(adapter: Adapter, body: bytes) -> tuple[Draft, ...]:
    found = adapter.parse(request(adapter.provider, body), account_of(adapter.provider))
    encoded = msgspec.json.encode(found)
    assert b"\\u0000" not in encoded  # PostgreSQL could not hold it, nor a lone surrogate
    assert all(draft.provider_id and draft.contact and draft.time.tzinfo for draft in found)
    return found


@every_adapter
@given(
    body=st.binary() | any_json.map(lambda value: json.dumps(value).encode()),
    named=headers,
    url=any_text,
    method=st.sampled_from(("POST", "GET")),
)
def test_a_stranger_is_refused_and_nothing_raises(
    adapter: Adapter, body: bytes, named: dict[str, str], url: str, method: str
) -> None:
    original = Original(
        provider=adapter.provider,
        account="main",
        received_at=RECEIVED_AT,
        body=body,
        headers=named,
        url=url,
        method=method,
    )
    account = msgspec.structs.replace(account_of(adapter.provider), secrets=("s3cret", ""))
    assert not adapter.authentic(original, account)
    adapter.challenge(original, account)
    assert msgspec.json.encode(adapter.parse(original, account))


@every_adapter
@given(body=st.binary() | any_json.map(lambda value: json.dumps(value).encode()))
def test_whatever_an_authentic_request_holds_becomes_drafts_that_can_be_stored(
    adapter: Adapter, body: bytes
) -> None:
    parsed(adapter, body)


@every_adapter
@given(data=st.data())
def test_a_request_with_one_value_replaced_becomes_drafts_that_can_be_stored(
    adapter: Adapter, data: st.DataObject
) -> None:
    if values := VALUES[adapter.provider]:
        parsed(adapter, data.draw(broken(values)))


@every_adapter
@pytest.mark.parametrize("depth", [100, 900, 950, 980, 5000])
def test_a_value_nested_without_end_becomes_drafts_that_can_be_stored(
    adapter: Adapter, depth: int
) -> None:
    nested = b"[" * depth + b"]" * depth
    for value in VALUES[adapter.provider]:
        for holder, key in places(value):
            if isinstance(holder[key], dict | list):
                kept, holder[key] = holder[key], "here"
                parsed(adapter, json.dumps(value).encode().replace(b'"here"', nested))
                holder[key] = kept


@every_adapter
def test_the_same_request_twice_is_the_same_drafts(adapter: Adapter) -> None:
    for body in BODIES[adapter.provider]:
        assert parsed(adapter, body) == parsed(adapter, body)


@every_adapter
def test_no_two_drafts_of_a_request_are_taken_for_the_same(adapter: Adapter) -> None:
    for body in BODIES[adapter.provider]:
        names = [draft.provider_id for draft in parsed(adapter, body)]
        assert len(set(names)) == len(names)


@every_adapter
def test_statuses_end_the_same_in_whatever_order_they_come(adapter: Adapter) -> None:
    heard: dict[str, list[DeliveryStatus]] = {}
    for body in BODIES[adapter.provider]:
        for draft in parsed(adapter, body):
            if isinstance(draft.data, MessageStatus):
                heard.setdefault(draft.data.message_id, []).append(draft.data.status)
    for statuses in heard.values():
        orders = itertools.islice(itertools.permutations(statuses), 200)
        assert len({reduce(later_status, order, None) for order in orders}) == 1


@every_adapter
def test_every_outcome_has_an_answer_that_tells_the_provider_what_to_do(adapter: Adapter) -> None:
    assert adapter.answer(Outcome.ACCEPTED).status in (200, 204)
    assert adapter.answer(Outcome.UNAUTHENTIC).status in (401, 403)
    assert adapter.answer(Outcome.UNAVAILABLE).status == 503
    assert adapter.answer(Outcome.TOO_LARGE).status in (403, 406, 413)
