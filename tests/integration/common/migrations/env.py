"""Alembic's entry point for the schema of these tests."""

from common.edges.migrations import run_environment

run_environment()
