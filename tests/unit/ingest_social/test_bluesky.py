"""Bluesky is asked; nobody may post to us in its name."""

from msgspec.structs import replace
from tests.samples.golden import account_of, request

from ingest_social.core.registry import ADAPTERS


def test_a_webhook_in_its_name_is_refused_whatever_secret_it_knows() -> None:
    account = replace(account_of("bluesky"), secrets=("",))
    assert not ADAPTERS["bluesky"].authentic(request("bluesky", b'{"notifications": []}'), account)
