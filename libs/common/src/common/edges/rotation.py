"""Credentials that we show to a provider: several at a time while they are being changed."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import structlog

from common.core.adapters import ChannelAccount
from common.core.errors import MadoguchiError
from common.edges import metrics

logger = structlog.get_logger()

Result = TypeVar("Result")


class Rotation:
    """One account's credentials for one use, newest first, tried from the one that worked last.

    `use` is `media` or `mentions`, as in the metric `credential_ready`.
    """

    def __init__(self, account: ChannelAccount, use: str, credentials: Sequence[str]) -> None:
        self._account = account
        self._use = use
        self._credentials = credentials
        self._first = 0
        self._refused: set[int] = set()

    def complaint(self) -> str | None:
        """Return which credentials were refused when they were last tried, or None."""
        if not self._refused:
            return None
        places = ", ".join(str(place + 1) for place in sorted(self._refused))
        name = f"{self._account.provider}/{self._account.account}"
        return f"{name}: refused: credential {places} of {len(self._credentials)}"

    async def first_accepted(
        self,
        ask: Callable[[str], Awaitable[Result]],
        is_refusal: Callable[[MadoguchiError], bool],
    ) -> Result:
        """Return what asking with a credential brings; the next one is tried after a refusal only.

        Raises what `ask` raises, the last refusal where all are refused.
        """
        some = len(self._credentials)
        order = [(self._first + step) % some for step in range(some)]
        for place in order:
            try:
                result = await ask(self._credentials[place])
            except MadoguchiError as error:
                if not is_refusal(error):
                    raise
                self._note(place, accepted=False)
                if place == order[-1]:
                    raise
            else:
                self._first = place
                self._note(place, accepted=True)
                return result
        raise ValueError("no credential to ask with")

    def _note(self, place: int, *, accepted: bool) -> None:
        was_refused = place in self._refused
        (self._refused.discard if accepted else self._refused.add)(place)
        account = self._account
        labels = account.provider, account.account, self._use, str(place + 1)
        metrics.credential_ready.labels(*labels).set(accepted)
        if not accepted and not was_refused:
            logger.warning(
                "credential refused", account=repr(account), use=self._use, place=place + 1
            )
