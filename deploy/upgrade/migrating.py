"""`python -m upgrade.migrating SCRIPTS URL SCHEMA`: what the tests of the version before migrate by."""

import sys
from pathlib import Path

from common.edges.migrations import migrate

if __name__ == "__main__":
    _, scripts, url, schema = sys.argv
    migrate(Path(scripts), url, schema)
