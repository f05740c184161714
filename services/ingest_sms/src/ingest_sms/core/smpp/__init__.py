"""SMPP 3.4: what a message centre sends us, as bytes. The session is an edge."""
