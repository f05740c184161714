"""Under which system account a server runs: PostgreSQL refuses to be root."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from local_stack.errors import MissingToolError

PREFERRED = ("postgres", "nobody")


class ProcessOptions(TypedDict, total=False):
    """The keyword arguments of `subprocess` that change who a process is."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """A system account that this process, being root, may act as."""

    name: str
    uid: int
    gid: int

    def as_options(self) -> ProcessOptions:
        """Return how `subprocess` is told to run a program as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Make `path` this account's."""
        os.chown(path, self.uid, self.gid)

    def can_enter(self, folder: Path) -> bool:
        """Tell whether this account may reach and enter `folder`, whatever lies above it."""
        probe = subprocess.run(
            ["test", "-x", str(folder)], cwd="/", check=False, **self.as_options()
        )
        return probe.returncode == 0


def server_account() -> Account | None:
    """Return the account that servers run under when we are root, None to stay who we are."""
    if os.geteuid() != 0:
        return None
    for name in PREFERRED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise MissingToolError(
        "PostgreSQL does not run as root and there is no account 'postgres' or 'nobody': "
        "run make as an ordinary user."
    )
