"""`doctor`: what is wrong here, and what to do about it first."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Annotated

import typer
from msgspec import Struct

from common.core.operations.findings import Finding, Level, in_order, is_wrong
from common.edges.clock import system_clock
from common.ops.doctor.accounts import accounts_findings, referred
from common.ops.doctor.certificates import certificate_findings
from common.ops.doctor.installed import Installed, Need, installed
from common.ops.doctor.kafka import kafka_findings
from common.ops.doctor.postgres import schema_findings, server_findings
from common.ops.doctor.settings import (
    addresses_findings,
    environment,
    names_findings,
    read_settings,
    values_findings,
)
from common.ops.doctor.stores import objects_finding, tokens_finding
from common.ops.terminal import NOT_AS_IT_SHOULD_BE, WRONG_USE, answered, as_json, end
from common.settings import CommonSettings, IngestSettings

_SIGNS = {Level.ERROR: "✗", Level.WARNING: "!", Level.FINE: "✓"}


class Diagnosis(Struct, frozen=True):
    """What `doctor --json` prints: the most important finding first."""

    well: bool
    services: list[str]
    findings: list[Finding]


def doctor(
    service: Annotated[str, typer.Option(help="only this one, where several are installed")] = "",
    *,
    strict: Annotated[
        bool, typer.Option("--strict", help="exit status 1 for warnings, too")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="nothing of what is in order")] = False,
    json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """Look at every setting and every server that a service needs, and say what to do.

    Exit status 1 where something is wrong. It writes one object to the object store and deletes it,
    and joins and leaves one consumer group; it changes nothing else.
    """
    services = [one for one in installed() if service in ("", one.name)]
    if service and not services:
        end(f"{service} is not installed here", WRONG_USE)
    found = in_order(answered(diagnosed(services)))
    well = not is_wrong(found, strict=strict)
    if json:
        as_json(Diagnosis(well, [one.name for one in services], found))
    else:
        _print([one for one in found if not quiet or one.level is not Level.FINE])
    if not well:
        raise typer.Exit(NOT_AS_IT_SHOULD_BE)


async def diagnosed(services: Sequence[Installed]) -> list[Finding]:
    """Return everything that is found; what needs something that is broken is not looked at."""
    read = {one.name: read_settings(one.name, one.settings) for one in services}
    usable = {name: told for name, told in read.items() if isinstance(told, CommonSettings)}
    common = read_settings("", CommonSettings) if not services else next(iter(usable.values()), [])
    files = {told.accounts for told in usable.values() if isinstance(told, IngestSettings)}
    speaking_of = {name for path in files for name in referred(path)}
    found = [
        *names_findings(services, speaking_of),
        *(one for told in (*read.values(), common) if isinstance(told, list) for one in told),
        *(one for path in sorted(files) for one in accounts_findings(path, environment())),
    ]
    ours = [(one, usable[one.name]) for one in services if one.name in usable]
    for one, told in ours:
        found += values_findings(one.name, told, one.needs)
        found += [finding for check in one.checks for finding in check()]
    if isinstance(common, CommonSettings):
        found += await _servers(common, ours)
    return found


async def _servers(
    common: CommonSettings, ours: Sequence[tuple[Installed, CommonSettings]]
) -> list[Finding]:
    found = [*addresses_findings(common), *_certificates(common)]
    if any(one.level is Level.ERROR for one in found):
        return found
    databases = sorted({told.database for told in (common, *(told for _, told in ours))})
    some = await asyncio.gather(
        kafka_findings(common, system_clock),
        *(server_findings(database, system_clock) for database in databases),
        *(schema_findings(one, told.database) for one, told in ours),
    )
    found += [finding for findings in some for finding in findings]
    for need, look in ((Need.OBJECTS, objects_finding), (Need.TOKENS, tokens_finding)):
        if any(need in one.needs for one, _ in ours):
            found.append(await look(common))
    return found


def _certificates(settings: CommonSettings) -> Iterator[Finding]:
    if settings.kafka_certificate_file:
        name = "MADOGUCHI_KAFKA_CERTIFICATE_FILE"
        yield from certificate_findings(name, settings.kafka_certificate_file, system_clock())


def _print(found: Sequence[Finding]) -> None:
    for one in found:
        whose = f"{one.service}: " if one.service else ""
        typer.echo(f"{_SIGNS[one.level]} {one.area:12} {whose}{one.what}")
        if one.do:
            typer.echo(f"{'':14} → {one.do}")
    counts = [sum(one.level is level for one in found) for level in Level]
    typer.echo("{} wrong, {} to be seen to, {} in order".format(*counts))
