"""How many webhook requests one ingest process acknowledges, with Kafka and without."""

import asyncio
import sys
from collections.abc import Iterator
from itertools import islice

from typing_extensions import override

from bench.figures import Figure
from bench.load import Outcome, flood, percentile
from bench.texts import text_of
from common.core.adapters import ChannelAccount
from local_stack.layout import ROOT
from local_stack.ports import LOOPBACK, free_port
from local_stack.services import ServiceProcess
from local_stack.stack import Stack
from pretend.connections import wire
from pretend.webhooks import twilio_sms

SECONDS = 8.0
CONNECTIONS = 64
CUSTOMERS = 5_000  # so a case has a handful of messages, as most have
MOST = 40_000  # prepared before the clock runs: signing is not what is measured


class BareService(ServiceProcess):
    """The stand-in for ingest_sms that publishes nowhere."""

    @override
    def start(self) -> None:
        """Start `bench.bare`."""
        self.daemon.launch(
            [sys.executable, "-m", "bench.bare"], environment=self.environment, folder=ROOT
        )


def measure(stack: Stack, account: ChannelAccount) -> list[Figure]:
    """Flood the running ingest_sms, then the same without Kafka."""
    bare = BareService("bare-sms", free_port(), stack.environment, stack.home)
    bare.start()
    bare.wait_until_ready()
    try:
        limit = _flood(bare.port, account, "bare")
    finally:
        bare.stop()
    real = _flood(stack.services["ingest_sms"].port, account, "real")
    if real.refused or limit.refused:
        raise RuntimeError(f"{real.refused} and {limit.refused} requests were refused")
    return [
        Figure(
            "webhook_requests_per_s",
            real.per_second,
            "requests/s",
            limit.per_second,
            "the same app with everything but Kafka",
        ),
        Figure("webhook_p99_ms_at_full_load", percentile(real.seconds, 0.99) * 1000, "ms"),
    ]


def _flood(port: int, account: ChannelAccount, run: str) -> Outcome:
    prepared = list(islice(requests(account, run), MOST))
    return asyncio.run(flood(port, iter(prepared), CONNECTIONS, SECONDS))


def requests(account: ChannelAccount, run: str) -> Iterator[bytes]:
    """Return endless signed SMS of `CUSTOMERS`, each its own message."""
    number = 0
    while True:
        number += 1
        sender = f"+8180{number % CUSTOMERS:08}"
        sid = f"SM{run:0<8}{number:024}"
        yield wire(twilio_sms(account, sender, text_of(number), sid), LOOPBACK)
