"""A reader's terminal: one shell for a page, so that what a block sets is there for the next."""

import contextlib
import os
import select
import signal
import subprocess
from collections.abc import Mapping
from itertools import count
from pathlib import Path

from tests.docs.blocks import Step
from tests.docs.outputs import unsaid

from local_stack.waiting import wait_for

PATIENCE_SECONDS = 20
LOOK_SECONDS = 0.2
DONE, FAILED = "done", "failed"


class FailedError(AssertionError):
    """A block did not do what its page says."""


class Terminal:
    """A bash that ends at the first command that fails, as a reader would stop there."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._numbers = count(1)
        self._stream: tuple[int, Path] | None = None
        self._bash = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],  # noqa: S607 - the one of this machine, as a reader's
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._tell("set -eo pipefail")

    def run(self, step: Step, commands: str) -> str:
        """Run commands as the step wants it, and return what they print. Raises FailedError."""
        script, said = self._files(commands)
        if not step.is_beside:
            self._interrupt()
        if step.streams:
            self._open(script, said)
        elif step.looks:
            self._look(step, script, said)
        if not step.streams and not self._source(script, said):
            raise FailedError(f"{step.where} failed:\n{commands}\n{said.read_text()}")
        self._compare(step, self._stream[1] if self._stream else said)
        return said.read_text()

    def close(self) -> None:
        """End the shell and whatever it left running."""
        if self._bash.poll() is None:
            self._interrupt()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._bash.pid, signal.SIGKILL)
        self._bash.communicate()

    def _source(self, script: Path, said: Path) -> bool:
        return self._asks(f". {script} >{said} 2>&1 </dev/null; echo {DONE}") == DONE

    def _look(self, step: Step, script: Path, said: Path) -> None:
        """Wait until the answer is the one shown; what is asked changes nothing."""

        def answered() -> bool:
            asked = f"if (set -eo pipefail; . {script}) >{said} 2>&1 </dev/null"
            heard = self._asks(f"{asked}; then echo {DONE}; else echo {FAILED}; fi")
            return heard == DONE and unsaid(step.output or "", said.read_text()) is None

        wait_for(answered, PATIENCE_SECONDS)

    def _open(self, script: Path, said: Path) -> None:
        """Begin to listen. -m: in a process group of its own, so that all of it can be ended."""
        heard = self._asks(f"set -m; (. {script}) >{said} 2>&1 </dev/null & set +m; echo $!")
        self._stream = (int(heard), said)

    def _interrupt(self) -> None:
        """Press Ctrl-C in the terminal that listens."""
        if self._stream:
            self._asks(f"kill -- -{self._stream[0]} || true; wait {self._stream[0]} || echo {DONE}")
        self._stream = None

    def _compare(self, step: Step, said: Path) -> None:
        shown = step.output or ""
        if self._stream:
            wait_for(lambda: unsaid(shown, said.read_text()) is None, PATIENCE_SECONDS)
        text = said.read_text()
        if missed := unsaid(shown, text):
            raise FailedError(f"{step.where} does not print\n{missed}\nbut\n{text}")

    def _files(self, commands: str) -> tuple[Path, Path]:
        name = f"block-{self._bash.pid}-{next(self._numbers)}"
        script, said = (self._folder / ".local" / f"{name}.{kind}" for kind in ("sh", "out"))
        script.write_text(commands)
        said.write_text("")
        return script, said

    def _tell(self, line: str) -> None:
        assert self._bash.stdin
        self._bash.stdin.write(line + "\n")
        self._bash.stdin.flush()

    def _asks(self, line: str) -> str:
        """Return what the shell answers, or nothing once it has ended.

        What it left running in the background may hold its output open.
        """
        assert self._bash.stdout
        self._tell(line)
        while not select.select([self._bash.stdout], [], [], LOOK_SECONDS)[0]:
            if self._bash.poll() is not None:
                return ""
        return self._bash.stdout.readline().strip()
