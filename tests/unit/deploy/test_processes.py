"""A process is known by its pid and its start, so that no stranger is ever signalled."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_stack.daemons import Daemon
from local_stack.errors import StartError
from local_stack.processes import ProcessIdentity, command_of, identify


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Daemon]:
    daemon = Daemon("sleeper", tmp_path)
    yield daemon
    daemon.kill()


def test_this_process_is_alive_and_knows_its_command() -> None:
    me = identify(os.getpid())

    assert me
    assert me.is_alive
    assert "py" in command_of(os.getpid())


def test_an_identity_is_read_as_it_was_written() -> None:
    me = ProcessIdentity(4711, "Sat Nov 21 20:12:26 2026")

    assert ProcessIdentity.parse(me.as_text()) == me


@pytest.mark.parametrize("text", ["", "\n", "4711", "pid 4711", "47x11 12345"])
def test_a_half_written_identity_is_none(text: str) -> None:
    assert ProcessIdentity.parse(text) is None


def test_a_pid_that_was_given_to_another_process_counts_as_dead(sleeper: Daemon) -> None:
    sleeper.pid_file.parent.mkdir()
    sleeper.pid_file.write_text(f"{os.getpid()} 1")

    assert sleeper.identity is None
    assert sleeper.stop(limit=0)  # and so this test survives


def test_a_daemon_runs_on_without_its_starter_and_writes_its_log(sleeper: Daemon) -> None:
    script = "import os, time; print('お待ちください', os.getppid(), flush=True); time.sleep(60)"

    sleeper.launch([sys.executable, "-c", script], environment={"PYTHONUTF8": "1"})
    sleeper.wait_until(lambda: sleeper.log.read_text() != "", limit=10)

    waiting, parent = sleeper.log.read_text().split()
    assert waiting == "お待ちください"
    assert int(parent) != os.getpid()


def test_a_second_look_at_the_folder_finds_the_running_process(sleeper: Daemon) -> None:
    sleeper.launch(["sleep", "60"])

    assert Daemon("sleeper", sleeper.pid_file.parents[1]).identity == sleeper.identity


def test_stop_asks_first_and_kills_who_does_not_listen(sleeper: Daemon) -> None:
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    sleeper.launch([sys.executable, "-c", deaf])
    sleeper.wait_until(lambda: sleeper.log.read_text() != "", limit=10)

    ended_by_itself = sleeper.stop(limit=0.2)

    assert not ended_by_itself
    assert sleeper.identity is None
    assert not sleeper.pid_file.exists()


def test_kill_takes_the_children_along(sleeper: Daemon) -> None:
    family = "sleep 61 & sleep 62 & echo $! >&2; wait"
    sleeper.launch(["sh", "-c", family])
    sleeper.wait_until(lambda: sleeper.log.read_text() != "", limit=10)
    child = identify(int(sleeper.log.read_text()))
    assert child

    sleeper.kill()

    assert not child.is_alive


def test_who_ends_too_early_is_reported_with_the_end_of_its_log(sleeper: Daemon) -> None:
    sleeper.launch(["sh", "-c", "sleep 0.1; echo 設定がありません"])

    with pytest.raises(StartError, match=r"(?s)sleeper ended before.*設定がありません"):
        sleeper.wait_until(lambda: False, limit=10)


def test_who_never_gets_ready_is_reported(sleeper: Daemon) -> None:
    sleeper.launch(["sleep", "60"])

    with pytest.raises(StartError, match="was not ready after 0 s"):
        sleeper.wait_until(lambda: False, limit=0.1)


def test_a_zombie_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    known = identify(child.pid)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, and not yet reaped

    assert known is None or not known.is_alive
    child.wait()
