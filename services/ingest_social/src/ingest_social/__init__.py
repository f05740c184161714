"""Social and messenger posts become common message events."""
