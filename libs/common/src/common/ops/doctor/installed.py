"""Which services are installed here, and what each of them says a doctor should look at.

An image has one, a developer's machine all. Each says it in its module `operations`; common knows
no service by name.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum
from importlib import import_module
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct

from common.core.operations.findings import Finding
from common.settings import CommonSettings

OURS = "madoguchi-"  # a distribution is called so, its package by what follows


class Need(StrEnum):
    """What a service cannot work without, beside Kafka and PostgreSQL."""

    ACCOUNTS = "accounts"
    OBJECTS = "objects"
    TOKENS = "tokens"
    PRIVACY_KEY = "privacy key"


class History(Struct, frozen=True):
    """Migrations of a service's schema, and the table that says which of them it has."""

    scripts: Path
    version_table: str = "alembic_version"


class Installed(Struct, frozen=True, kw_only=True):
    """A service: its schema is called as it is. `checks` look at what only it has."""

    name: str
    settings: type[CommonSettings]
    histories: tuple[History, ...]
    needs: frozenset[Need]
    checks: tuple[Callable[[], Iterable[Finding]], ...] = ()


def installed() -> list[Installed]:
    """Return the services that are installed beside us, by name."""
    names = sorted({one.name for one in distributions() if one.name.startswith(OURS)})
    modules = [f"{name.removeprefix(OURS).replace('-', '_')}.operations" for name in names]
    return [import_module(module).INSTALLED for module in modules if find_spec(module)]
