"""Figures, each beside its own limit measured in the same run on the same machine."""
