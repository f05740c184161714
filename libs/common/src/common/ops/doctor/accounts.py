"""Whether the accounts file is right, and every secret there that it names. None is shown."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from common.core.adapters import ChannelAccount
from common.core.operations.findings import Area, Finding, error, fine, warning
from common.edges.accounts import AccountsError, read_accounts, references, secret_text

_DO = "see docs/accounts.md"


def referred(path: Path) -> set[str]:
    """Return the names in the environment that a file speaks of; none where it cannot be read."""
    try:
        return set(references(path.read_text("utf-8")))
    except (OSError, ValueError):
        return set()


def accounts_findings(path: Path, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Look at the file, and at every name and every other file that it refers to."""
    try:
        needed = references(path.read_text("utf-8"))
    except (OSError, ValueError) as fault:
        yield error(Area.ACCOUNTS, f"{path}: {fault}", "see MADOGUCHI_ACCOUNTS")
        return
    missing = [name for name, may in needed.items() if not may and name not in environment]
    for name in missing:
        yield error(Area.ACCOUNTS, f"{path} needs {name}, which is not set", f"set {name}")
    # Whatever stands for what is missing: the rest of the file can be judged all the same.
    stand_in = {**dict.fromkeys(missing, "missing"), **environment}
    try:
        accounts = read_accounts(path, stand_in)
    except AccountsError as fault:
        yield error(Area.ACCOUNTS, str(fault), _DO)
        return
    faults = [*_doubled(accounts), *(one for account in accounts for one in _of_one(account))]
    yield from faults
    if not faults and not missing:
        yield fine(Area.ACCOUNTS, f"{path}: {len(accounts)} accounts, every secret is there")


def _doubled(accounts: list[ChannelAccount]) -> Iterator[Finding]:
    for (provider, name), times in Counter((a.provider, a.account) for a in accounts).items():
        if times > 1:
            what = f"{provider}/{name} is there {times} times, and only the last one counts"
            yield error(Area.ACCOUNTS, what, "give each account a name of its own")


def _of_one(account: ChannelAccount) -> Iterator[Finding]:
    name = f"{account.provider}/{account.account}"
    for place, secret in enumerate(account.secrets, start=1):
        try:
            empty = not secret_text(secret)
        except AccountsError as fault:
            yield error(Area.ACCOUNTS, f"{name}, secret {place}: {fault}", "see that it is mounted")
        else:
            if empty:
                what = f"{name}, secret {place} is empty and opens nothing"
                yield warning(Area.ACCOUNTS, what, "fill it in or take it away")
    for option, value in account.options.items():
        if option.endswith("_file") and not _is_readable(Path(value)):
            what = f"{name}, {option}: {value} cannot be read"
            yield error(Area.ACCOUNTS, what, "see that it is mounted, and whose it is")


def _is_readable(path: Path) -> bool:
    try:
        with path.open("rb"):
            return True
    except (OSError, ValueError):
        return False
