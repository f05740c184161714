"""Who blocks us has said stop, in the same words on the bus as who writes it."""

import pytest
from tests.samples.golden import FOLDER, account_of, drafts

from common.core.cloudevents import read
from common.core.consent import consent_records, may_send
from common.core.events import ConsentChanged
from common.core.naming import attributes_of


def told(sample: str) -> list[ConsentChanged]:
    """Return the changes that a sample publishes behind its message."""
    provider = sample.partition("/")[0]
    found = drafts("social", provider, (FOLDER / "social" / f"{sample}.json").read_bytes())
    account = account_of(provider)
    records = [
        record
        for draft in found
        for record in consent_records(attributes_of("ingest_social", account, draft), draft.data)
    ]
    changes = [read(record.headers, record.value).data for record in records]
    return [change for change in changes if isinstance(change, ConsentChanged)]


@pytest.mark.parametrize(
    ("blocked", "opened"),
    [
        ("line/unfollow", "line/follow"),
        ("telegram/blocked", "telegram/unblocked"),
        ("viber/unsubscribed", "viber/subscribed"),
    ],
)
def test_nobody_who_blocks_us_is_written_to_and_who_comes_back_is(
    blocked: str, opened: str
) -> None:
    [stop], [start] = told(blocked), told(opened)
    assert (stop.contact, stop.address) == (start.contact, start.address)
    assert not may_send([stop])
    assert may_send([start])


@pytest.mark.parametrize("sample", ["telegram/removed-from-a-group", "line/leave", "line/text"])
def test_who_takes_us_out_of_a_group_or_writes_has_said_nothing_of_the_kind(sample: str) -> None:
    assert told(sample) == []
