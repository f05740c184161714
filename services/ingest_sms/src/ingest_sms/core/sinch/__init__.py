"""Sinch: the SMS API and the Conversation API."""
