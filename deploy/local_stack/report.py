"""Telling the person at the terminal what happens, while it happens."""

import sys
import time
from typing import TextIO


class Report:
    """Lines of progress, each with the seconds since the beginning."""

    def __init__(self, stream: TextIO = sys.stdout) -> None:
        self._stream = stream
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        """Return the seconds since the beginning."""
        return time.monotonic() - self._start

    def say(self, who: str, what: str) -> None:
        """Print one line at once; safe from several threads."""
        self._stream.write(f"{self.seconds:6.1f} s  {who:<14} {what}\n")
        self._stream.flush()

    def show(self, text: str) -> None:
        """Print `text` as it is."""
        self._stream.write(f"{text}\n")
        self._stream.flush()
