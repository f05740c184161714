"""Checks from the bus alone whether assignment kept its laws. Shares no code with the router."""
