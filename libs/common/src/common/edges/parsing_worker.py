"""`python -m common.edges.parsing_worker SECONDS`: makes the calls that come on its standard input.

A frame is four bytes of length (big endian) and a pickle: a call without arguments, or whether it
succeeded and its result. Both ends are ours; no byte of a stranger's is unpickled as a pickle.
"""

import os
import pickle
import signal
import sys
from typing import BinaryIO

LENGTH_BYTES = 4


def framed(content: bytes) -> bytes:
    """Return a frame."""
    return len(content).to_bytes(LENGTH_BYTES, "big") + content


def length_of(head: bytes) -> int:
    """Return how many bytes come after the head of a frame."""
    return int.from_bytes(head, "big")


def _serve(calls: BinaryIO, answers: BinaryIO, seconds: float) -> None:
    while head := calls.read(LENGTH_BYTES):
        content = calls.read(length_of(head))
        # Whoever asked kills us in time, unless he was killed himself: the kernel sees to that.
        signal.setitimer(signal.ITIMER_REAL, seconds)
        answer = _made(content)
        signal.setitimer(signal.ITIMER_REAL, 0)
        answers.write(framed(pickle.dumps(answer)))
        answers.flush()


def _made(content: bytes) -> tuple[bool, object]:
    try:
        return True, pickle.loads(content)()  # noqa: S301 - written by common.edges.parsing
    except Exception as error:  # noqa: BLE001 - raised where the call came from
        return False, error


if __name__ == "__main__":
    apart = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a parser prints is no answer
    _serve(sys.stdin.buffer, apart, float(sys.argv[1]))
