"""X: the X Activity API and the Account Activity API before it."""
