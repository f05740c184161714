"""Vonage: the SMS API and the Messages API."""
