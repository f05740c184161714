"""Files that operators write, and what the APIs and consumers of router and timeline read."""

import asyncio
import base64
import json
import tempfile
from collections.abc import Mapping
from datetime import UTC
from functools import lru_cache
from pathlib import Path

import msgspec
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from tests.fuzz.laws import Target, flipped, text
from tests.samples.golden import RECEIVED_AT, account_of

from common.core.cloudevents import read
from common.core.errors import PoisonError
from common.core.events import Message
from common.core.ids import customer_id
from common.edges.accounts import AccountsError, load_accounts
from common.edges.tokens import InvalidTokenError, TokenVerifier
from ingest_email.core.folders import FolderError, folder_of
from router.core.conditions import Asking, Condition, Questions, Situation
from router.core.decide import decide
from router.core.facts import Arrival, Customer
from router.core.loading import RulesError, load
from router.core.policy import Policy, compiled
from timeline.core.cursor import read_cursor, write_cursor
from timeline.core.entry import Position
from timeline.core.recording import entry_of
from timeline.core.values import canonical

RULES = Path(__file__).parents[2] / "deploy" / "local" / "rules.yaml"
ISSUER, AUDIENCE = "https://id.acme.example", "madoguchi"
LONGEST_CONDITION = (
    300  # conditions are an operator's own; what costs time there is not a stranger's
)
LOOP = asyncio.new_event_loop()


def accounts(data: bytes) -> None:
    """Load an accounts file; it may name no file of ours."""
    with tempfile.NamedTemporaryFile(suffix=".yaml") as file:
        Path(file.name).write_bytes(data.replace(b"file:", b"file:/dev/null/"))
        try:
            load_accounts(Path(file.name), {})
        except AccountsError:
            return


def mailbox_options(data: bytes) -> None:
    """Read where a mailbox lies: a folder that can be asked for, or the documented error."""
    try:
        options = msgspec.json.decode(data, type=dict[str, str])
    except (msgspec.DecodeError, UnicodeError):
        return
    try:
        folder_of(msgspec.structs.replace(account_of("imap"), options=options))
    except FolderError:
        return


def rules(data: bytes) -> None:
    """Load a rules file; one without problems can be decided by."""
    try:
        loaded = load(data)
    except RulesError as error:
        lines = [problem.line for problem in error.problems]
    else:
        lines = [1]
        compiled(loaded.rules, loaded.version)
    assert lines
    assert min(lines) > 0


def condition(data: bytes) -> None:
    """Compile a condition and ask it: an answer, or an error in words for its author."""
    try:
        asked = Condition(text(data[:LONGEST_CONDITION]))
    except ValueError:
        return
    asked.answer(Asking(_situation(), Questions([asked])))


def cursor(data: bytes) -> None:
    """Read a cursor that somebody hands back: none, or one that Postgres takes and that stays."""
    for written in (text(data), base64.urlsafe_b64encode(data).decode().rstrip("=")):
        try:
            found = read_cursor(written)
        except ValueError:
            continue
        found.occurred_at.astimezone(UTC)
        assert read_cursor(write_cursor(found)) == found


def entry(data: bytes) -> None:
    """Make an entry of any event, and a decision of any message: stored, or poison."""
    try:
        event = read([("content-type", b"application/cloudevents+json")], data)
        made = entry_of(event, Position(0, 0, 0), RECEIVED_AT, "JP")
    except PoisonError:
        return
    if made is not None:
        assert not any("\0" in (named or "") for named in (made.type, made.kind, made.channel))
        assert canonical(made.contact, "JP") == made.contact
        made.occurred_at.astimezone(UTC)
    if isinstance(event.data, Message):
        _decided(event.attributes.id, event.data)


def token(data: bytes) -> None:
    """Show any token: refused, also one of ours with a byte of it changed."""
    shown = text(data)
    header = base64.urlsafe_b64encode(data).decode().rstrip("=")
    good = _token()
    where = int.from_bytes(data[:2], "big") % (len(good) - 2)  # the last bits mean nothing
    for wrong in (shown, f"{header}.e30.AAAA", flipped(good.encode(), where).decode()):
        try:
            LOOP.run_until_complete(_verifier().principal(wrong))
        except InvalidTokenError:
            continue
        raise AssertionError(wrong)


@lru_cache(maxsize=1)
def _policy() -> Policy:
    loaded = load(RULES.read_bytes())
    return compiled(loaded.rules, loaded.version)


def _decided(event: object, message: Message) -> None:
    arrival = Arrival(
        event=customer_id("acme", str(event)),
        tenant="acme",
        contact=message.sender.contact,
        message=message,
    )
    customer = Customer(customer=customer_id("acme", message.sender.contact))
    arguments = (arrival, customer, (), None, None, _policy(), RECEIVED_AT)
    outcome = decide(*arguments)
    assert msgspec.json.encode(outcome) == msgspec.json.encode(decide(*arguments))


@lru_cache(maxsize=1)
def _situation() -> Situation:
    message = msgspec.json.decode(
        json.dumps(
            {
                "message_id": "1",
                "kind": "message",
                "direction": "inbound",
                "channel": "sms",
                "provider": "twilio",
                "account": "main",
                "sender": {"contact": "tel:+819012345678"},
                "conversation": {"key": "1"},
                "received_at": RECEIVED_AT.isoformat(),
                "text": "請求書の件で、至急お願いします。",
                "attributes": {"topic": "billing"},
            }
        ),
        type=Message,
    )
    contact = message.sender.contact
    name = customer_id("acme", contact)
    return Situation(
        arrival=Arrival(event=name, tenant="acme", contact=contact, message=message),
        customer=Customer(customer=name, tier="vip"),
        plan="default",
        contract=None,
        language="ja",
    )


@lru_cache(maxsize=1)
def _key() -> ECKey:
    return ECKey.generate_key("P-256", {"kid": "one"})


@lru_cache(maxsize=1)
def _verifier() -> TokenVerifier:
    path = Path(tempfile.mkdtemp()) / "jwks.json"
    path.write_text(json.dumps(KeySet([_key()]).as_dict(private=False)))
    return TokenVerifier(str(path), ISSUER, AUDIENCE)


@lru_cache(maxsize=1)
def _token() -> str:
    claims = {"iss": ISSUER, "aud": AUDIENCE, "exp": 4_000_000_000, "tenant": "acme"}
    return jwt.encode({"alg": "ES256", "kid": "one"}, claims, _key())


TARGETS: Mapping[str, Target] = {
    "accounts": accounts,
    "mailbox-options": mailbox_options,
    "rules": rules,
    "condition": condition,
    "cursor": cursor,
    "entry": entry,
    "token": token,
}
