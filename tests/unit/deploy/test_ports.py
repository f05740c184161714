"""Who holds a port is said by name."""

import os
import socket
from collections.abc import Iterator

import pytest

from local_stack.errors import PortTakenError
from local_stack.ports import free_port, holder_of, is_open, listening_inodes, require_free

# /proc/net/tcp of a machine where something listens on 127.0.0.1:29092 and a client is connected to it.
TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:71A4 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 40001 1 0
   1: 0100007F:71A4 0100007F:D2F0 01 00000000:00000000 00:00000000 00000000     0        0 40002 1 0
   2: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 40003 1 0
"""


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_only_the_listening_socket_of_the_port_is_found() -> None:
    assert listening_inodes(TABLE, 29092) == ["40001"]


@pytest.mark.parametrize("table", ["", TABLE.splitlines()[0]])
def test_an_empty_table_names_nobody(table: str) -> None:
    assert listening_inodes(table, 29092) == []


def test_a_taken_port_is_refused_with_the_pid_of_its_holder(taken: int) -> None:
    with pytest.raises(PortTakenError, match=rf"port {taken} \(Kafka\) .*pid {os.getpid()} "):
        require_free(taken, "Kafka")


def test_a_port_is_given_once_and_is_not_one_that_clients_get() -> None:
    ports = [free_port() for _ in range(200)]

    assert len(set(ports)) == len(ports)
    assert max(ports) < 32_768  # the first client port of Linux; others begin at 49152


def test_a_free_port_is_accepted() -> None:
    require_free(free_port(), "Kafka")


def test_a_port_that_nobody_holds_is_not_blamed_on_anybody() -> None:
    port = free_port()

    assert not is_open(port)
    assert holder_of(port) == "a process that this account may not see"
