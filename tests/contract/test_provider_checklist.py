"""What CONTRIBUTING.md asks of whoever adds a provider, as far as a test can tell."""

from pathlib import Path

import pytest
from tests.samples.golden import ADAPTERS, FOLDER, drafts, samples
from tests.samples.signing import SIGNERS

from common.core.adapters import Draft
from common.core.events import AttachmentState, Message
from common.core.media import SOURCES

ROOT = FOLDER.parent.parent
CHANNEL_OF = {name: channel for channel in ("sms", "social") for name in ADAPTERS[channel]}
# Signed with a certificate that has to be fetched, bound by a session, or asked by us.
UNSIGNED = {"aws-sms", "smpp", "bluesky"}
every_provider = pytest.mark.parametrize("provider", CHANNEL_OF)


def samples_of(provider: str) -> list[Path]:
    return [path for path in samples(CHANNEL_OF[provider]) if path.parent.name == provider]


def drafts_of(provider: str) -> list[Draft]:
    channel = CHANNEL_OF[provider]
    bodies = (path.read_bytes() for path in samples_of(provider))
    return [draft for body in bodies for draft in drafts(channel, provider, body)]


@every_provider
def test_a_provider_has_samples_of_what_is_read_and_of_what_is_odd(provider: str) -> None:
    kinds = {draft.data.kind for draft in drafts_of(provider) if isinstance(draft.data, Message)}
    assert {"message", "unsupported"} <= kinds


@every_provider
def test_a_provider_has_a_japanese_sample(provider: str) -> None:
    texts = [
        draft.data.text or "" for draft in drafts_of(provider) if isinstance(draft.data, Message)
    ]
    assert any("ぁ" <= character <= "ヿ" for text in texts for character in text)


@every_provider
def test_a_provider_can_be_signed_for_by_the_fuzzers(provider: str) -> None:
    assert (provider in SIGNERS) is (provider not in UNSIGNED)


@every_provider
def test_the_hosts_of_a_providers_files_are_known(provider: str) -> None:
    messages = [draft.data for draft in drafts_of(provider) if isinstance(draft.data, Message)]
    files = [file for message in messages for file in message.attachments]
    assert provider in SOURCES or all(file.state is not AttachmentState.REMOTE for file in files)


@every_provider
def test_an_operator_finds_out_how_to_set_up_an_account(provider: str) -> None:
    assert f"`{provider}`" in (ROOT / "docs" / "accounts.md").read_text("utf-8")
