"""Mail becomes common message events."""
