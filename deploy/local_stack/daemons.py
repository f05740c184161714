"""A process that outlives whoever started it, and can be ended by anybody who has its folder."""

import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from local_stack.accounts import Account
from local_stack.errors import StartError
from local_stack.processes import ProcessIdentity, children_of, identify
from local_stack.settings import environment_with
from local_stack.waiting import wait_for

LOG_LINES_SHOWN = 20
KILL_LIMIT_SECONDS = 10
# The shell ends and leaves the program behind, with its standard error as the log, and prints the
# program's pid: nobody has to stay as its parent.
DETACH = '"$@" >&2 & echo $!'


class Daemon:
    """One named background process: `run/<name>.pid` says who it is, `logs/<name>.log` what it said."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.pid_file = folder / "run" / f"{name}.pid"
        self.log = folder / "logs" / f"{name}.log"

    @property
    def identity(self) -> ProcessIdentity | None:
        """Return the running process, or None: a dead or recycled pid counts as none."""
        try:
            known = ProcessIdentity.parse(self.pid_file.read_text())
        except FileNotFoundError:
            return None
        return known if known and known.is_alive else None

    def launch(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        account: Account | None = None,
        folder: Path | None = None,
    ) -> None:
        """Start `command` in a session of its own, as `account` where one is given, in `folder`."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.pid_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("a") as log:
            shell = subprocess.run(
                ["/bin/sh", "-c", DETACH, "sh", *command],
                env=environment_with(environment or {}),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                check=True,
                start_new_session=True,
                **(account.as_options() if account else {}),
            )
        started = identify(int(shell.stdout))
        if not started:
            raise StartError(self._obituary("ended at once"))
        self.pid_file.write_text(started.as_text())

    def wait_until(self, ready: Callable[[], bool], *, limit: float) -> None:
        """Return once `ready()`; raise StartError if the process ends or `limit` seconds pass before."""
        over = wait_for(lambda: ready() or not self.identity, limit)
        self.require_alive()
        if not over:
            raise StartError(self._obituary(f"was not ready after {limit:.0f} s"))

    def require_alive(self) -> None:
        """Raise StartError with the end of the log if the process has ended."""
        if not self.identity:
            raise StartError(self._obituary("ended before it was ready"))

    def stop(self, *, limit: float, signal_number: signal.Signals = signal.SIGTERM) -> bool:
        """Ask the process to end, make it end after `limit` seconds; tell whether asking was enough."""
        known = self.identity
        if not known:
            self.pid_file.unlink(missing_ok=True)
            return True
        known.send(signal_number)
        asked = _gone([known], limit)
        if not asked:
            self.kill()
        self.pid_file.unlink(missing_ok=True)
        return asked

    def kill(self) -> None:
        """SIGKILL the process as a crash would, and return when it and its children are gone."""
        known = self.identity
        if known:
            family = [known, *children_of(known.pid)]
            for member in family:
                member.send(signal.SIGKILL)
            _gone(family, KILL_LIMIT_SECONDS)
        self.pid_file.unlink(missing_ok=True)

    def _obituary(self, what: str) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:]
        return "\n    ".join([f"{self.name} {what}; the end of {self.log}:", *lines])


def _gone(family: Sequence[ProcessIdentity], limit: float) -> bool:
    return wait_for(lambda: not any(member.is_alive for member in family), limit)
