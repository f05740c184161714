"""SMS and MMS become common message events."""
