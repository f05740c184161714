"""Alembic begins here."""

from common.edges.migrations import run_environment

run_environment()
