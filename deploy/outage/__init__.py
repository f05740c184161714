"""An outage test on real processes: Kafka away, then PostgreSQL too, while customers write."""
