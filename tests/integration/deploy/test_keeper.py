"""What a killed run leaves behind is ended; what others run is not."""

import signal
import subprocess
import sys
from pathlib import Path

from local_stack.daemons import Daemon
from local_stack.keeper import ended_with_us
from local_stack.layout import ROOT
from local_stack.settings import environment_with
from local_stack.waiting import wait_for

RUN = """
import sys
from pathlib import Path
from local_stack.daemons import Daemon
from local_stack.keeper import ended_with_us

with ended_with_us(Path(sys.argv[1])):
    Daemon("servant", Path(sys.argv[1])).launch(["sleep", "600"])
    print("started", flush=True)
    sys.stdin.read()
"""


def test_the_processes_and_the_folder_of_a_killed_run_are_gone(tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "home", Daemon("other", tmp_path / "elsewhere")
    home.mkdir()
    elsewhere.launch(["sleep", "600"])
    run = subprocess.Popen(  # noqa: S603 - this very interpreter
        [sys.executable, "-c", RUN, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment_with({"PYTHONPATH": str(ROOT / "deploy")}),
    )
    with run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"started\n"
        servant = Daemon("servant", home).identity
        assert servant is not None
        run.send_signal(signal.SIGKILL)
    assert wait_for(lambda: not servant.is_alive and not home.exists(), 60)
    assert elsewhere.identity is not None
    elsewhere.kill()


def test_after_an_orderly_end_nothing_is_left_to_do(tmp_path: Path) -> None:
    home, servant = tmp_path / "home", Daemon("servant", tmp_path / "home")
    home.mkdir()
    with ended_with_us(home):
        servant.launch(["sleep", "600"])
        servant.kill()
    assert not home.exists()
