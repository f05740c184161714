"""How a connection to PostgreSQL is opened: as its URL says, for pools, migrations and LISTEN alike."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg
from asyncpg.exceptions import ClientConfigurationError
from msgspec import Struct

from common.core.errors import MadoguchiError, SettingsError, TransientError

SETTING = "MADOGUCHI_DATABASE"
MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
# Parameters of libpq, and one of ours; asyncpg would send any other one to the server.
_FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl", "passfile", "password_file")
_OTHERS = (
    *("sslmode", "sslpassword", "sslnegotiation", "ssl_min_protocol_version"),
    *("ssl_max_protocol_version", "target_session_attrs", "application_name"),
    *("host", "port", "user"),
)


class LoginRefusedError(MadoguchiError):
    """PostgreSQL does not let this user in: wrong password, no such role, or not without TLS."""


class UntrustedServerError(TransientError):
    """Nobody whom we trust vouches for the server, or it has no TLS. Its operators may mend that."""


class Postgres(Struct, frozen=True):
    """Where PostgreSQL is, as asyncpg reads it, and the file that holds the password, if any."""

    dsn: str
    password_file: Path | None = None

    async def connect(self, **options: Any) -> asyncpg.Connection:
        """Open a connection; `options` are asyncpg's. Files are read again each time.

        Raises LoginRefusedError, UntrustedServerError, SettingsError; OSError where nobody answers.
        """
        password = _secret(self.password_file) if self.password_file else None
        try:
            return await asyncpg.connect(self.dsn, password=password, **options)
        except asyncpg.InvalidAuthorizationSpecificationError as error:
            raise LoginRefusedError(f"{SETTING}: {error}") from error
        except ClientConfigurationError as error:
            raise SettingsError(f"{SETTING}: {error}") from error
        except ssl.SSLCertVerificationError as error:
            told = f"{SETTING}, sslrootcert: {error.verify_message}"
            raise UntrustedServerError(told) from error
        except (ssl.SSLError, ConnectionError) as error:
            if not _is_about_tls(error):
                raise
            raise UntrustedServerError(f"{SETTING}, sslmode: {error}") from error


def read_url(url: str) -> Postgres:
    """Read a URL as libpq knows it: TLS by `sslmode` and its like, `ssl` for short.

    `password_file` is ours: the password, read at each connection. `sslrootcert=system` means the
    authorities of this machine. Raises SettingsError for what is unknown or cannot be read.
    """
    try:
        parts = urlsplit(url)
        given = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:  # it would show what may be part of a password
        raise SettingsError(f"{SETTING} is no URL with parameters such as ?name=value") from None
    asked = dict(given)
    if "ssl" in asked:
        asked["sslmode"] = asked.pop("ssl")
    if asked.get("sslrootcert") == "system":
        asked["sslrootcert"] = ssl.get_default_verify_paths().cafile or "system"
    if complaints := [*_of_scheme(parts.scheme), *_of_parameters(asked)]:
        raise SettingsError(f"{SETTING}: {'; '.join(complaints)}")
    password_file = asked.pop("password_file", None)
    # A password may hold an @ that nobody quoted; asyncpg takes the first one for its end.
    login, at, hosts = parts.netloc.rpartition("@")
    place = login.replace("@", "%40") + at + hosts
    dsn = urlunsplit(("postgresql", place, parts.path, urlencode(asked), ""))
    return Postgres(dsn, Path(password_file) if password_file else None)


def _of_scheme(scheme: str) -> Iterator[str]:
    if scheme not in ("postgresql", "postgres", "postgresql+asyncpg"):
        yield "a URL begins with postgresql://"


def _of_parameters(asked: dict[str, str]) -> Iterator[str]:
    for name in asked.keys() - {*_FILES, *_OTHERS}:
        yield f"unknown parameter {name}"
    if asked.get("sslmode", "prefer") not in MODES:
        yield f"sslmode is one of {', '.join(MODES)}"
    for name in _FILES:
        if name in asked and (fault := _unreadable(Path(asked[name]))):
            yield f"{name}: {fault}"


def _unreadable(path: Path) -> str | None:
    try:
        with path.open("rb"):
            return None
    except OSError as error:
        return str(error)


def _secret(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        raise SettingsError(f"{SETTING}, password_file: {error}") from error


def _is_about_tls(error: OSError) -> bool:
    # asyncpg's own ConnectionError, for a server that has no TLS.
    return isinstance(error, ssl.SSLError) or "SSL upgrade" in str(error)
