"""Kafka, Postgres, HTTP, object storage, logs and metrics."""
