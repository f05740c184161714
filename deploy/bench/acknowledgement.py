"""How long a provider waits for its acknowledgement while 500 requests a second come, whatever the answers do."""

import asyncio
from itertools import islice

from bench.figures import Figure
from bench.load import Outcome, drip, percentile
from bench.webhooks import requests
from common.core.adapters import ChannelAccount
from local_stack.stack import Stack

PER_SECOND = 500
SECONDS = 10.0
WARM_SECONDS = 2.0
CONNECTIONS = 64
NOTE = (
    f"one process at {PER_SECOND} requests/s, which come whether or not earlier ones are answered"
)


def measure(stack: Stack, account: ChannelAccount) -> list[Figure]:
    """Send to the running ingest_sms at a steady pace; raise RuntimeError if it refuses one."""
    port = stack.services["ingest_sms"].port
    _dripped(port, account, "warm", WARM_SECONDS)
    outcome = _dripped(port, account, "acks", SECONDS)
    if outcome.refused:
        raise RuntimeError(f"{outcome.refused} requests were refused")
    name = f"at_{PER_SECOND}"
    return [
        Figure(
            f"webhook_ack_{label}_ms_{name}",
            percentile(outcome.seconds, share) * 1000,
            "ms",
            note=NOTE,
        )
        for label, share in (("p50", 0.5), ("p99", 0.99))
    ]


def _dripped(port: int, account: ChannelAccount, run: str, seconds: float) -> Outcome:
    # Prepared before the clock runs: signing is not what is measured.
    prepared = iter(list(islice(requests(account, run), int(PER_SECOND * seconds) + 1)))
    return asyncio.run(drip(lambda: (port, next(prepared)), PER_SECOND, seconds, CONNECTIONS))
