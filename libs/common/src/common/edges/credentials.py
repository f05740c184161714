"""Whether each account's credentials work, as far as what reaches us tells.

A provider that signs with a secret we do not know looks exactly like a stranger. So an account is
in doubt once many requests in a row were refused and none was accepted, and is trusted again with
the first that is. Strangers can put an account without traffic in doubt: it is a note and a metric
for people, and never a reason not to be ready.
"""

from collections import Counter
from collections.abc import Iterable

from common.core.adapters import ChannelAccount
from common.edges import metrics

REFUSALS_IN_DOUBT = 20

_Name = tuple[str, str]


class Credentials:
    """Counts refusals in a row, an account at a time."""

    def __init__(self, accounts: Iterable[ChannelAccount]) -> None:
        self._refusals: Counter[_Name] = Counter()
        for account in accounts:
            _show(account, ready=True)

    def accepted(self, account: ChannelAccount) -> None:
        """Note that the account's provider has proved itself."""
        if self._refusals.pop(_name(account), 0) >= REFUSALS_IN_DOUBT:
            _show(account, ready=True)

    def refused(self, account: ChannelAccount) -> None:
        """Note that somebody could not prove to be the account's provider."""
        self._refusals[_name(account)] += 1
        if self._refusals[_name(account)] == REFUSALS_IN_DOUBT:
            _show(account, ready=False)

    def complaint(self) -> str | None:
        """Return which accounts are in doubt, or None."""
        doubtful = sorted(
            f"{provider}/{account} ({refusals})"
            for (provider, account), refusals in self._refusals.items()
            if refusals >= REFUSALS_IN_DOUBT
        )
        return f"refused in a row, none accepted: {', '.join(doubtful)}" if doubtful else None


def _name(account: ChannelAccount) -> _Name:
    return account.provider, account.account


def _show(account: ChannelAccount, *, ready: bool) -> None:
    labels = account.provider, account.account, account.team or ""
    metrics.account_ready.labels(*labels).set(ready)
