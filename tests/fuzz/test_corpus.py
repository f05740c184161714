"""What the fuzzers once found, and what brought them furthest, is borne for ever; without atheris."""

import pytest
from tests.fuzz.targets import CORPUS, TARGETS
from tests.fuzz.webhook_targets import ALL
from tests.samples.signing import SIGNERS

MOST_BYTES = 600_000
INPUTS = sorted(path for path in CORPUS.glob("*/*") if path.is_file())


@pytest.mark.parametrize("name", TARGETS)
def test_every_input_kept_for_a_target_is_borne(name: str) -> None:
    for path in (CORPUS / name).glob("*"):
        TARGETS[name](path.read_bytes())


def test_the_corpus_stays_small_and_belongs_to_targets() -> None:
    assert sum(path.stat().st_size for path in INPUTS) < MOST_BYTES
    assert {path.parent.name for path in INPUTS} <= set(TARGETS)


def test_whatever_a_provider_signs_can_be_signed_here() -> None:
    through_amazon, asked = {"ses", "aws-sms"}, {"smpp", "bluesky"}
    assert set(ALL) - set(SIGNERS) == through_amazon | asked


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("data", [b"", b"\0", b"\xff\xfe", "日本語".encode(), b"[" * 5000])
def test_a_few_bytes_that_mean_nothing_are_borne(name: str, data: bytes) -> None:
    TARGETS[name](data)
