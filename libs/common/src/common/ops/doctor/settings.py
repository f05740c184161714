"""Whether settings are known, readable and sensible. Values are not shown: some are secrets."""

import os
from collections.abc import Collection, Iterable, Iterator, Sequence

from pydantic import ValidationError

from common.core.erasure import SHORTEST_KEY
from common.core.errors import SettingsError
from common.core.operations.findings import Area, Finding, error, fine, warning
from common.core.operations.naming import unknown_names
from common.core.operations.setting_names import BESIDE_THE_SERVICES, OF_ONE_SERVICE
from common.edges.kafka import kafka_access
from common.edges.postgres import read_url
from common.ops.doctor.installed import Installed, Need
from common.ops.terminal import complaints
from common.settings import CommonSettings, IngestSettings

PREFIX = "MADOGUCHI_"
_POSITIVE = (
    *("drain_seconds", "publish_timeout_seconds", "batch_max_records", "stuck_after_seconds"),
    "replication_factor",
)
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def environment() -> dict[str, str]:
    """Return everything that the environment says."""
    return dict(os.environ)


def names_findings(services: Sequence[Installed], referred: Collection[str]) -> Iterator[Finding]:
    """Find names that nobody reads. `referred` are those that the accounts file speaks of."""
    known = known_names(services) | set(referred)
    present = environment().keys()
    for one in unknown_names(present, known, PREFIX):
        do = f"did you mean {one.nearest}?" if one.nearest else "take it away, or mend its name"
        yield warning(Area.SETTINGS, f"{one.name} is set, and nobody reads it", do)
    count = sum(name.startswith(PREFIX) for name in present)
    yield fine(Area.SETTINGS, f"{count} settings are told, {len(known)} are known")


def known_names(services: Iterable[Installed]) -> set[str]:
    """Return the name of every setting of every service, installed here or not."""
    shared: list[type[CommonSettings]] = [CommonSettings, IngestSettings]
    read = [*shared, *(one.settings for one in services)]
    fields = {f"{PREFIX}{field}".upper() for settings in read for field in settings.model_fields}
    elsewhere = {f"{PREFIX}{field}".upper() for some in OF_ONE_SERVICE.values() for field in some}
    return fields | elsewhere | BESIDE_THE_SERVICES


def read_settings(service: str, kind: type[CommonSettings]) -> CommonSettings | list[Finding]:
    """Return a service's settings, or what is wrong with them."""
    try:
        return kind()
    except ValidationError as fault:
        do = "mend the value, or take it away to have the default"
        return [error(Area.SETTINGS, line, do, service) for line in complaints(kind, fault)]


def values_findings(
    service: str, settings: CommonSettings, needs: Collection[Need]
) -> Iterator[Finding]:
    """Find values that are of the right form and still cannot be meant."""
    if settings.log_level.upper() not in LOG_LEVELS:
        yield _wrong("LOG_LEVEL", f"is not one of {', '.join(LOG_LEVELS)}", service)
    for name in _POSITIVE:
        if getattr(settings, name) <= 0:
            yield _wrong(name.upper(), "must be more than 0", service)
    if settings.topic_prefix:
        yield warning(
            Area.SETTINGS,
            f"MADOGUCHI_TOPIC_PREFIX is set ({settings.topic_prefix}): another bus beside the real one",
            "take it away, unless this is a test",
        )
    if settings.otlp_endpoint and not settings.otlp_endpoint.startswith(("http://", "https://")):
        yield _wrong("OTLP_ENDPOINT", "is no http:// or https:// URL", service)
    if Need.PRIVACY_KEY in needs:
        yield from _privacy(settings.privacy_key, service)
    if Need.TOKENS in needs and not settings.jwks:
        yield _wrong("JWKS", "is missing: no request can be let in", service)


def addresses_findings(settings: CommonSettings) -> Iterator[Finding]:
    """Find what cannot be used of how to reach Kafka and PostgreSQL."""
    for look in (lambda: kafka_access(settings), lambda: read_url(settings.database)):
        try:
            look()
        except SettingsError as fault:
            yield error(Area.SETTINGS, str(fault), "see docs/security.md")


def _privacy(key: str, service: str) -> Iterator[Finding]:
    if not key:
        yield warning(
            Area.SETTINGS,
            "MADOGUCHI_PRIVACY_KEY is missing: nobody can be erased",
            "set it to 32 random characters or more, the same in every service and for ever",
            service,
        )
    elif len(key) < SHORTEST_KEY:
        yield _wrong("PRIVACY_KEY", f"has {len(key)} characters, needs {SHORTEST_KEY}", service)


def _wrong(name: str, what: str, service: str) -> Finding:
    return error(Area.SETTINGS, f"{PREFIX}{name} {what}", "mend the value", service)
