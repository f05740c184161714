"""Alembic's entry point for the schemas of the ingest services."""

from common.edges.migrations import run_environment

run_environment()
