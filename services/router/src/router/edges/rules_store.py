"""Versions of the rules in Postgres: which were in force when, and which are now.

What is in force is the newest activation; a roll-back is one more. Activating is a compare and set
under a lock: of two people who looked at the same activation, the second is told who was faster.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.cloudevents import Attributes, event_type, record
from common.core.ids import derived_id, trace_parent
from common.core.topics import ROUTING
from common.core.work import RulesActivated
from common.edges.outbox import enqueue
from router.core.loading import load

CHANNEL = "router_rules"
FILE = "file"  # who brought a version that was read from the rules file
SOURCE = "/router"
SUBJECT = "rules"
EVERYBODY = "every-tenant"  # an event has a tenant, and the rules are everybody's


class Activation(Struct, frozen=True, kw_only=True):
    """That a version came into force; `number` counts activations from 1."""

    number: int
    version: str
    activated_at: datetime
    by: str
    reason: str | None = None


Work = Callable[[AsyncConnection], Awaitable[Activation]]


class Version(Struct, frozen=True, kw_only=True):
    """Rules as somebody wrote them, comments included."""

    version: str
    rules: str
    loaded_at: datetime
    by: str
    note: str | None = None


class OvertakenError(Exception):
    """Somebody else activated rules since the caller looked; `newest` is what is in force."""

    def __init__(self, newest: Activation | None) -> None:
        super().__init__("other rules are in force by now")
        self.newest = newest


_LOCK = text("SELECT pg_advisory_xact_lock(hashtext(current_schema() || '.rules'))")
_ACTIVATIONS = text(
    "SELECT id, version, activated_at, activated_by, reason FROM rules_activation "
    "ORDER BY id DESC LIMIT :most"
)
# The prefix is hexadecimal, so LIKE has nothing to expand in it.
_VERSIONS = text(
    "SELECT version, rules, loaded_at, loaded_by, note FROM rules_version "
    "WHERE version LIKE :prefix || '%' LIMIT 2"
)
_CONTENT = text("SELECT rules FROM rules_version WHERE version = :version")
_NEWEST_FILE = text(
    "SELECT version, rules, loaded_at, loaded_by, note FROM rules_version "
    "WHERE loaded_by = :file AND version <> :besides ORDER BY loaded_at DESC LIMIT 1"
)
_KEEP = text(
    "INSERT INTO rules_version (version, rules, loaded_at, loaded_by, note) "
    "VALUES (:version, :rules, :loaded_at, :loaded_by, :note) "
    "ON CONFLICT (version) DO UPDATE SET loaded_at = excluded.loaded_at "
    "WHERE rules_version.loaded_by = excluded.loaded_by"
)
_ACTIVATE = text(
    "INSERT INTO rules_activation (id, version, activated_at, activated_by, reason) "
    "VALUES (:id, :version, :activated_at, :activated_by, :reason)"
)
_NOTIFY = text("SELECT pg_notify(:channel, :version)")


async def history(connection: AsyncConnection, most: int) -> Sequence[Activation]:
    """Return the newest activations, newest first."""
    return [_activation(row) for row in await connection.execute(_ACTIVATIONS, {"most": most})]


async def newest(connection: AsyncConnection) -> Activation | None:
    """Return the activation that is in force, None where there never was one."""
    return next(iter(await history(connection, 1)), None)


async def stored(connection: AsyncConnection, prefix: str) -> Version | None:
    """Return the version that begins so; None where there is none, or more than one."""
    if not prefix or not set(prefix) <= set("0123456789abcdef"):
        return None
    rows = (await connection.execute(_VERSIONS, {"prefix": prefix})).all()
    return _version(rows[0]) if len(rows) == 1 else None


async def content_of(connection: AsyncConnection, activation: Activation) -> bytes:
    """Return the rules that an activation put in force."""
    rows = await connection.execute(_CONTENT, {"version": activation.version})
    return str(rows.scalar_one()).encode()


async def before(connection: AsyncConnection) -> Version | None:
    """Return what was in force before the rules that are now.

    That is the last activated version that is another one, else the last one that a router read
    from its file.
    """
    activations = await history(connection, 1000)
    current = activations[0].version if activations else ""
    for activation in activations:
        if activation.version != current:
            return await stored(connection, activation.version)
    found = await connection.execute(_NEWEST_FILE, {"file": FILE, "besides": current})
    row = found.one_or_none()
    return None if row is None else _version(row)


async def keep(
    connection: AsyncConnection, content: bytes, by: str, now: datetime, note: str | None = None
) -> str:
    """Keep rules under their version, which is returned. Raises RulesError where they are none."""
    version = load(content).version
    row = {
        "version": version,
        "rules": content.decode(),
        "loaded_at": now,
        "loaded_by": by,
        "note": note,
    }
    await connection.execute(_KEEP, row)
    return version


async def activate(
    connection: AsyncConnection,
    version: str,
    expected: int | None,
    by: str,
    reason: str | None,
    now: datetime,
) -> Activation:
    """Put a kept version in force when the caller's transaction commits, and tell everybody.

    `expected` is the number of the activation that the caller saw in force, None for none. Raises
    OvertakenError where it is another by now.
    """
    await connection.execute(_LOCK)
    current = await newest(connection)
    if (current.number if current else None) != expected:
        raise OvertakenError(current)
    activation = Activation(
        number=(current.number if current else 0) + 1,
        version=version,
        activated_at=now,
        by=by,
        reason=reason,
    )
    await connection.execute(
        _ACTIVATE,
        {
            "id": activation.number,
            "version": version,
            "activated_at": now,
            "activated_by": by,
            "reason": reason,
        },
    )
    previous = current.version if current else None
    await _tell(connection, activation, previous)
    return activation


async def _tell(connection: AsyncConnection, activation: Activation, previous: str | None) -> None:
    told = RulesActivated(
        activation=activation.number,
        version=activation.version,
        activated_at=activation.activated_at,
        by=activation.by,
        previous_version=previous,
        reason=activation.reason,
    )
    identity = derived_id(event_type(told), str(activation.number), activation.version)
    attributes = Attributes(
        id=identity,
        source=SOURCE,
        type=event_type(told),
        subject=SUBJECT,
        time=activation.activated_at,
        tenant=EVERYBODY,
        traceparent=trace_parent(identity),
    )
    await enqueue(connection, [record(ROUTING.name, attributes, told)])
    await connection.execute(_NOTIFY, {"channel": CHANNEL, "version": activation.version})


def _activation(row: Row[tuple[object, ...]]) -> Activation:
    return Activation(
        number=row.id,
        version=row.version,
        activated_at=row.activated_at,
        by=row.activated_by,
        reason=row.reason,
    )


def _version(row: Row[tuple[object, ...]]) -> Version:
    return Version(
        version=row.version,
        rules=row.rules,
        loaded_at=row.loaded_at,
        by=row.loaded_by,
        note=row.note,
    )
