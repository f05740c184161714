"""Mail services that deliver by webhook: each unwraps its request to the mail as it came."""
