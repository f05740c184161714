"""A stack of services only, and somebody who wrote to it: for tests of what the surfaces promise.

Per session: signing_key, environment, surfaces (base URLs), known (names that exist).
"""

import asyncio
import base64
import secrets
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime

import httpx
import pytest
from msgspec.msgpack import encode
from msgspec.structs import replace
from tests.samples.golden import ADAPTERS, FOLDER
from tests.samples.signing import PUBLIC_URL, secret_for, signed

from common.edges.clock import system_clock
from local_stack.database import execute
from local_stack.layout import ROOT, SERVICES
from local_stack.parallel import side_by_side
from local_stack.ports import LOOPBACK, free_port
from local_stack.services import ServiceProcess, run_tool
from local_stack.shared_servers import ROLE, SharedPostgres, SharedServers
from local_stack.tokens import SigningKey
from pretend.readers import ROUTED, TimelineReader
from timeline.core.cursor import NEWEST, write_cursor

SECONDS = 2  # no answer may take longer
PROVIDERS = sorted(name for adapters in ADAPTERS.values() for name in adapters if name != "smpp")
SAMPLES_OF = {name: part for part, adapters in ADAPTERS.items() for name in adapters}
SERVICE_OF = {
    name: {"mail-webhooks": "ingest_email", "sms": "ingest_sms", "social": "ingest_social"}[part]
    for name, part in SAMPLES_OF.items()
}
ACCOUNTS = "accounts:\n" + "".join(
    f"  - {{tenant: acme, provider: {name}, account: main, secrets: ['{secret_for(name)}'],"
    f" public_url: {PUBLIC_URL}/{name}/main}}\n"
    for name in PROVIDERS
)
LIMIT_BYTES = 2_000_000

CONTACT = "line:main:U0123456789abcdef0123456789abcdef"
CURSORS = [
    write_cursor(NEWEST),
    write_cursor(replace(NEWEST, occurred_at=datetime.min.replace(tzinfo=UTC))),
    base64.urlsafe_b64encode(encode(["0001-01-01T00:00:00+23:59", 0, 0, 0])).decode(),
]

AGENT = "test"
SCOPES = (
    *("timeline:read", "timeline:write", "timeline:originals"),
    *("figures:read", "figures:write"),
    *("routing:read", "routing:agent", "routing:supervise"),
)

Known = Mapping[str, list[str]]
Surfaces = Mapping[str, str]


@pytest.fixture(scope="session")
def signing_key(servers: SharedServers) -> SigningKey:
    """The key that signs tokens."""
    key = SigningKey(servers.scratch())
    key.ensure()
    return key


@pytest.fixture(scope="module")
def environment(
    signing_key: SigningKey, kafka_server: str, postgres_server: SharedPostgres
) -> Mapping[str, str]:
    folder = signing_key.jwks.parent
    (folder / "accounts.yaml").write_text(ACCOUNTS)
    name = f"surfaces_{secrets.token_hex(4)}"  # each worker has its own
    execute(postgres_server.admin, [f"CREATE DATABASE {name} OWNER {ROLE}"])
    token = signing_key.token(tenant="acme", scopes=SCOPES, subject=AGENT, now=system_clock())
    return {
        "MADOGUCHI_KAFKA": kafka_server,
        "MADOGUCHI_DATABASE": postgres_server.url(name),
        "MADOGUCHI_TOPIC_PREFIX": f"{name}-",
        "MADOGUCHI_OBJECTS": str(folder / "objects"),
        "MADOGUCHI_JWKS": str(signing_key.jwks),
        "MADOGUCHI_ACCOUNTS": str(folder / "accounts.yaml"),
        "MADOGUCHI_RULES": str(ROOT / "deploy" / "local" / "rules.yaml"),
        "MADOGUCHI_BODY_LIMIT_BYTES": str(LIMIT_BYTES),
        "MADOGUCHI_SMTP_PORT": str(free_port()),
        "TOKEN": token,
    }


@pytest.fixture(scope="module")
def surfaces(servers: SharedServers, environment: Mapping[str, str]) -> Iterator[Surfaces]:
    """Each service's base URL; all of them real processes.

    They end with their module: to start them takes less than to let them wait for all other tests.
    """
    run_tool([sys.executable, "-m", "common", "topics", "apply"], environment)
    folder = servers.scratch()
    with ExitStack() as running:
        running.callback(shutil.rmtree, folder, ignore_errors=True)
        services = [ServiceProcess(name, free_port(), environment, folder) for name in SERVICES]
        side_by_side([service.migrate for service in services])
        for service in services:
            running.callback(service.kill)
            service.start()
        for service in services:
            service.wait_until_ready()
        yield {service.name: f"http://{LOOPBACK}:{service.port}" for service in services}


@pytest.fixture(scope="module")
def known(surfaces: Surfaces, environment: Mapping[str, str]) -> Known:
    """Names that exist, by parameter: those of somebody who wrote, so that there is more to read than 404."""
    sample = FOLDER / "social" / "line" / "text.json"
    original = signed("line", sample.read_bytes(), system_clock())
    url = webhook_of(surfaces, "line")
    assert httpx.post(url, content=original.body, headers=original.headers).status_code == 200
    customer, case = asyncio.run(_what_became_of_it(surfaces["timeline"], environment["TOKEN"]))
    return {
        "provider": PROVIDERS,
        "account": ["main"],
        "contact": [CONTACT],
        "customer_id": [customer],
        "case_id": [case],
        "before": CURSORS,
        "agent_id": [AGENT],
        "agent": [AGENT],
        "queue": ["technical"],
        "offer_id": [_offered(surfaces["router"], environment["TOKEN"], case)],
    }


def _offered(router: str, token: str, case: str) -> str:
    """Return the offer of the case to an agent who can do everything."""
    headers = {"authorization": f"Bearer {token}"}
    agent = f"{router}/v1/agents/{AGENT}"
    with httpx.Client(headers=headers, timeout=SECONDS) as client:
        queue = client.get(f"{router}/v1/cases/{case}").json()["queue"]
        skills = dict.fromkeys(("japanese", "english", "network", "billing", "public"), 5)
        profile = {"queues": [queue], "skills": skills}
        assert client.put(agent, json=profile).status_code == 200
        came = client.post(f"{agent}/presence", json={"presence": "online"})
        assert came.status_code == 200
        while not (offers := client.get(f"{agent}/offers").json()["offers"]):
            time.sleep(0.05)
        return str(offers[0]["offer_id"])


async def _what_became_of_it(timeline: str, token: str) -> tuple[str, str]:
    """Return the customer's id and the case's, once the message went through everything."""
    async with httpx.AsyncClient(timeout=SECONDS) as client:
        reader = TimelineReader(client, timeline, token)
        while True:
            customer = await reader.customer(CONTACT)
            entries = await reader.entries(customer["id"]) if customer else []
            for entry in entries:
                if customer and entry["type"] == ROUTED:
                    return customer["id"], entry["data"]["case_id"]
            await asyncio.sleep(0.05)


def webhook_of(surfaces: Surfaces, provider: str) -> str:
    """Return the address of a provider's webhook."""
    return f"{surfaces[SERVICE_OF[provider]]}/v1/webhooks/{provider}/main"
