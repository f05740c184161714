"""Fakes that pass the same suite as the real things, and real servers for tests."""
