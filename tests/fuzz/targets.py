"""What is fuzzed: functions that may meet any bytes. Each returns, or raises only what it promises to."""

import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import msgspec
from tests.samples.golden import ADAPTERS, FOLDER, RECEIVED_AT, account_of, request

from common.core.adapters import Adapter, Draft, Original
from common.core.cloudevents import read
from common.core.errors import PoisonError
from common.edges.accounts import AccountsError, load_accounts
from ingest_email.core.limits import LimitExceededError
from ingest_email.core.message import parse as parse_mail, read_mail
from router.core.loading import RulesError, load

Target = Callable[[bytes], None]

CORPUS = Path(__file__).parent / "corpus"
DEPLOY = Path(__file__).parents[2] / "deploy"
SEPARATOR = b"\0\n"  # what follows it is put into the headers that carry signatures
SECRET = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # no provider's: a fuzzer must not come to it by chance
SIGNATURES = (
    "authorization",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
    "x-hub-signature-256",
    "x-line-signature",
    "x-sinch-webhook-signature",
    "x-sinch-webhook-signature-nonce",
    "x-sinch-webhook-signature-timestamp",
    "x-telegram-bot-api-secret-token",
    "x-twilio-signature",
    "x-twitter-webhooks-signature",
)


def mail(data: bytes) -> None:
    """Read a mail with the net below it taken away: a fault shows instead of becoming `unsupported`."""
    original = Original(provider="smtp", account="main", received_at=RECEIVED_AT, body=data)
    account = account_of("smtp")
    try:
        check((read_mail(original, account),))
    except LimitExceededError:
        check(parse_mail(original, account))


def webhook(adapter: Adapter, data: bytes) -> None:
    """Check a request's signature, which must not hold, and parse it as if it did."""
    body, _, signature = data.partition(SEPARATOR)
    text = signature.decode("latin-1")
    forged = msgspec.structs.replace(
        request(adapter.provider, body), headers=dict.fromkeys(SIGNATURES, text)
    )
    account = msgspec.structs.replace(account_of(adapter.provider), secrets=(SECRET,))
    assert not adapter.authentic(forged, account)
    adapter.challenge(forged, account)
    check(adapter.parse(forged, account))


def structured_event(data: bytes) -> None:
    """Read a record in the structured form of CloudEvents."""
    try:
        read([("content-type", b"application/cloudevents+json")], data)
    except PoisonError:
        return


def accounts(data: bytes) -> None:
    """Load an accounts file; it may name no file of ours."""
    with tempfile.NamedTemporaryFile(suffix=".yaml") as file:
        Path(file.name).write_bytes(data.replace(b"file:", b""))
        try:
            load_accounts(Path(file.name), {})
        except AccountsError:
            return


def rules(data: bytes) -> None:
    """Load a rules file."""
    try:
        load(data)
    except RulesError:
        return


def check(drafts: tuple[Draft, ...]) -> None:
    """Assert that drafts can be published and stored."""
    assert b"\\u0000" not in msgspec.json.encode(drafts)  # PostgreSQL could not hold it
    assert all(draft.provider_id and draft.contact and draft.time.tzinfo for draft in drafts)


TARGETS: Mapping[str, Target] = {
    "mail": mail,
    "structured-event": structured_event,
    "accounts": accounts,
    "rules": rules,
    **{
        f"webhook-{name}": partial(webhook, adapter)
        for adapters in ADAPTERS.values()
        for name, adapter in sorted(adapters.items())
    },
}


def seeds(name: str) -> list[Path]:
    """Return the folders whose files a target begins with."""
    provider = name.removeprefix("webhook-")
    samples = {
        "mail": [FOLDER / "mail"],
        "structured-event": [],
        "accounts": [DEPLOY / "local"],
        "rules": [DEPLOY / "local"],
    }.get(name, [FOLDER / service / provider for service in ADAPTERS])
    return [folder for folder in (CORPUS / name, *samples) if folder.is_dir()]
