"""Mastodon: notifications and direct statuses, asked for or streamed, and webhooks of an instance."""
