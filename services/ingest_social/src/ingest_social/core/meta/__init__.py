"""Meta: WhatsApp Cloud API, Messenger and Instagram."""
