"""`python -m common.edges.parsing_worker`: makes the calls that come on its standard input.

A frame is how many seconds the call may take (a double; of no meaning in answers), a length (four
bytes) and so many of a pickle: a call without arguments, or whether it succeeded and its result.
Both ends are ours; no byte of a stranger's is unpickled as a pickle.

The limit is of processor time: on a machine that has too much to do everything takes longer, and is
no fault of the mail's. The kernel ends a process that is over it, whatever that is doing.
"""

import os
import pickle
import signal
import sys
from struct import Struct
from typing import BinaryIO

HEAD = Struct("!dI")
PATIENCE = 5  # how much longer than its processor time a call may take by the clock
LIMITS = (signal.SIGPROF, signal.SIGALRM)  # what a process dies of that is over its limits


def framed(content: bytes, seconds: float = 0.0) -> bytes:
    """Return a frame."""
    return HEAD.pack(seconds, len(content)) + content


def _serve(calls: BinaryIO, answers: BinaryIO) -> None:
    while head := calls.read(HEAD.size):
        seconds, length = HEAD.unpack(head)
        content = calls.read(length)
        _limit(seconds)
        answer = pickle.dumps(_made(content))
        _limit(0)
        answers.write(framed(answer))
        answers.flush()


def _limit(seconds: float) -> None:
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, seconds * PATIENCE)


def _made(content: bytes) -> tuple[bool, object]:
    try:
        return True, pickle.loads(content)()  # noqa: S301 - written by common.edges.parsing
    except Exception as error:  # noqa: BLE001 - raised where the call came from
        return False, error


if __name__ == "__main__":
    apart = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a parser prints is no answer
    _serve(sys.stdin.buffer, apart)
