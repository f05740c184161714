"""Pure: plain functions and frozen values, no I/O."""
