"""Bluesky: notifications and direct messages, which we ask for."""
