"""Any other channel: web chat, kiosk, mobile app, telephone exchange. See docs/generic-provider.md."""
