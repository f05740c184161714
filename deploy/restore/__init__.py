"""A rehearsal of the worst: PostgreSQL is gone with all its data, and comes back from a backup."""
