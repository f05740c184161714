"""Kafka, PostgreSQL and the five services on one machine: for a newcomer, a developer and the tests."""
