"""Ports of this machine: which are free, and who holds one that is not."""

import secrets
import socket
import sys
from pathlib import Path

from local_stack.errors import PortTakenError
from local_stack.processes import PROC, command_of

LOOPBACK = "127.0.0.1"
PORTS_FILE = "ports.json"  # in a stack's folder: the ports that are not the usual ones
FIRST_FREE, LAST_FREE = 10_000, 32_000
LISTENING = "0A"  # Linux, include/net/tcp_states.h: TCP_LISTEN


def free_port() -> int:
    """Return a loopback port that nobody uses, and that no other process gets while this one lives.

    It lies below the ports that systems give to clients, so that no connection takes it before a
    server does.
    """
    while True:
        port = FIRST_FREE + secrets.randbelow(LAST_FREE - FIRST_FREE)
        if _reserve(port) and _can_bind(port):
            return port


def _reserve(port: int) -> bool:
    if sys.platform != "linux":
        return True
    mark = socket.socket(socket.AF_UNIX)
    try:
        # A name in no file system (unix(7)): it is gone with the process that holds it.
        mark.bind(f"\0madoguchi-port-{port}")
    except OSError:
        mark.close()
        return False
    mark.detach()
    return True


def _can_bind(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def is_open(port: int) -> bool:
    """Tell whether somebody accepts connections on a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def require_free(port: int, purpose: str) -> None:
    """Raise PortTakenError, naming the holder where the system tells it, if `port` is in use."""
    if is_open(port):
        raise PortTakenError(
            f"port {port} ({purpose}) is taken by {holder_of(port)}: stop that, or name another port"
            f" in .local/{PORTS_FILE} (CONTRIBUTING.md), then run this again."
        )


def holder_of(port: int) -> str:
    """Return who listens on `port`: pid and command line, or the best that can be said."""
    inodes = {
        inode
        for table in ("tcp", "tcp6")
        for inode in listening_inodes(_read(PROC / "net" / table), port)
    }
    for pid in _holders(inodes):
        return f"pid {pid} ({command_of(pid)})"
    return "a process that this account may not see"


def listening_inodes(table: str, port: int) -> list[str]:
    """Return the socket inodes that listen on `port` in a /proc/net/tcp table (proc(5))."""
    rows = [line.split() for line in table.splitlines()[1:]]
    suffix = f":{port:04X}"
    return [row[9] for row in rows if row[1].endswith(suffix) and row[3] == LISTENING]


def _holders(inodes: set[str]) -> list[int]:
    wanted = {f"socket:[{inode}]" for inode in inodes}
    return sorted(
        int(folder.parent.name)
        for folder in PROC.glob("[0-9]*/fd")
        if any(_target(descriptor) in wanted for descriptor in _entries(folder))
    )


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _target(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except OSError:
        return ""


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
