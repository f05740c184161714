"""Rakuten Viber: callbacks of the REST Bot API."""
