"""One history per customer that every channel can read."""
