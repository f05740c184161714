"""Ends what lies in a folder when the process that wanted it ends, also by SIGKILL.

The kernel's own way (PR_SET_PDEATHSIG) would not do: it follows the thread that started a process,
and ours are started side by side by threads that end at once, through a shell that ends, too.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_stack.layout import ROOT
from local_stack.settings import environment_with
from local_stack.shared_servers import end_processes


@contextmanager
def ended_with_us(folder: Path) -> Iterator[None]:
    """Have every process with a pid file below `folder` killed and the folder deleted if we are killed in the block.

    A process that is being started at that very moment is not known yet and stays.
    """
    # The other end of its input is ours alone: it closes with us, whatever ends us.
    keeper = subprocess.Popen(
        [sys.executable, "-m", "local_stack.keeper", str(folder)],
        stdin=subprocess.PIPE,
        env=environment_with({"PYTHONPATH": str(ROOT / "deploy")}),
        start_new_session=True,
    )
    try:
        yield
    finally:
        keeper.communicate()


def main(folder: Path) -> None:
    """Wait for the end of our input, then end what is left in `folder`: nothing, after an orderly end."""
    sys.stdin.buffer.read()
    end_processes(folder)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
