"""A provider's adapter made of plain functions, and the answers that most providers expect."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from msgspec import Struct

from common.core.adapters import Answer, ChannelAccount, Draft, Original, Outcome

ANSWERS: Mapping[Outcome, Answer] = MappingProxyType(
    {
        Outcome.ACCEPTED: Answer(200),
        Outcome.UNAUTHENTIC: Answer(403),
        Outcome.UNAVAILABLE: Answer(503),
        Outcome.TOO_LARGE: Answer(413),
    }
)


def no_challenge(_original: Original, _account: ChannelAccount) -> Answer | None:
    """Answer for a provider that never asks whether our address is ours."""
    return None


def no_url(_original: Original, _account: ChannelAccount) -> str | None:
    """Name nothing to fetch or call: for a provider whose requests speak for themselves."""
    return None


def never(_original: Original, _account: ChannelAccount) -> bool:
    """Refuse what comes by webhook: for providers that we ask, or that keep a session with us."""
    return False


class WebhookAdapter(Struct, frozen=True, kw_only=True):
    """An Adapter (common.core.adapters) put together from a provider's functions."""

    provider: str
    authentic: Callable[[Original, ChannelAccount], bool]
    parse: Callable[[Original, ChannelAccount], tuple[Draft, ...]]
    challenge: Callable[[Original, ChannelAccount], Answer | None] = no_challenge
    certificate: Callable[[Original, ChannelAccount], str | None] = no_url
    confirmation: Callable[[Original, ChannelAccount], str | None] = no_url
    answers: Mapping[Outcome, Answer] = ANSWERS

    def answer(self, outcome: Outcome) -> Answer:
        """Return what the provider should hear."""
        return self.answers[outcome]
