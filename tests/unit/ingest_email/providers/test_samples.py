"""Every captured-shape request of a mail service becomes exactly the expected drafts."""

import json
from pathlib import Path

import pytest
from tests.samples.golden import drafts, expected, readable, samples


@pytest.mark.parametrize(
    "sample", samples("mail-webhooks"), ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_a_sample_becomes_what_is_expected_of_it(sample: Path) -> None:
    found = drafts("mail-webhooks", sample.parent.name, sample.read_bytes())
    assert readable(found) == json.loads(expected(sample).read_text("utf-8"))
