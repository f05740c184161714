"""Build an API server, and fetch what operators add to one: `make kubernetes`."""

import subprocess
import sys

from cluster import definitions, programs
from local_stack.errors import StackError


def main() -> int:
    """Build and fetch what is not there yet; 1 with what is missing."""
    try:
        programs.build()
        definitions.fetch()
    except (StackError, subprocess.CalledProcessError) as error:
        print(f"kubernetes: {error}", file=sys.stderr)
        return 1
    print(f"kubernetes: {programs.kubernetes_version()} is in {programs.folder()}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
