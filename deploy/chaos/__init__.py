"""A crash test on real processes: what was acknowledged is on the timeline, once and in order."""
