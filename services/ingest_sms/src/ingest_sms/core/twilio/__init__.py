"""Twilio: SMS, MMS, and WhatsApp and RCS through Twilio."""
