"""Alembic's entry point for the schema `ingest_sms`."""

from common.edges.migrations import run_environment

run_environment()
