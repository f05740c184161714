"""Where Alembic starts."""

from common.edges.migrations import run_environment

run_environment()
