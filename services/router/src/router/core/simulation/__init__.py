"""What would happen: the router's own decisions and steps, run over virtual time."""
