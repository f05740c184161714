"""The service listens to exactly the accounts that give it a credential for that."""

import asyncio
from pathlib import Path

from ingest_social.settings import Settings
from ingest_social.wiring import build

ACCOUNTS = """
accounts:
  - {tenant: acme, provider: mastodon, account: main, options: {handle: m@social.example.jp, access_token: t}}
  - {tenant: acme, provider: bluesky, account: silent, options: {did: "did:plc:madoguchi"}}
"""


async def test_mentions_stop_before_the_intake_and_connections_close_last(tmp_path: Path) -> None:
    accounts = tmp_path / "accounts.yaml"
    accounts.write_text(ACCOUNTS, encoding="utf-8")
    service = build(Settings(accounts=accounts, objects=str(tmp_path / "objects")))
    names = [component.name for component in service.components]
    assert names[:3] == ["mentions", "leases", "inbox"]
    assert names[-1] == "closing"
    assert {"consumer", "media", "outbox relay"} < set(names)  # Mastodon's pictures
    assert service.health.notes().keys() <= {"intake", "media"}
    stopping = asyncio.Event()
    stopping.set()
    for component in service.components:
        if component.name == "closing":
            await component.run(stopping)
