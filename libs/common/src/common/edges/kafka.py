"""Kafka: where it is and as whom we come. Every client of ours is made from a KafkaAccess."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from aiokafka.abc import AbstractTokenProvider
from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from msgspec import Struct
from pydantic import SecretStr
from typing_extensions import override

from common.core.errors import SettingsError
from common.settings import CommonSettings, SaslMechanism

PROBE_SECONDS = 3
NO_SECRET = SecretStr("")
# These show the broker the secret itself; SCRAM only proves that it is known.
_TELLING = ("PLAIN", "OAUTHBEARER")


class KafkaRefusedError(KafkaError):  # type: ignore[misc]  # aiokafka is untyped
    """A broker does not let us in, or we do not trust it. The message names the setting."""


class KafkaAccess(Struct, frozen=True):
    """Where Kafka is (`host:port`, comma separated) and how its clients prove and protect themselves.

    `mechanism` is SASL's, empty for no login. `password_file` is read whenever a client is made;
    for OAUTHBEARER it holds the token and is read at each connection.
    """

    bootstrap: str
    tls: bool = False
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    mechanism: SaslMechanism = ""
    username: str = ""
    password: SecretStr = NO_SECRET
    password_file: Path | None = None

    def options(self) -> dict[str, object]:
        """Return what any client of aiokafka is made with. Raises SettingsError."""
        protocol = ("SASL_" if self.mechanism else "") + ("SSL" if self.tls else "PLAINTEXT")
        return {
            "bootstrap_servers": self.bootstrap,
            "security_protocol": protocol,
            "ssl_context": self._trust() if self.tls else None,
            **self._login(),
        }

    def version(self) -> tuple[int, ...]:
        """Return what changes when a file does from which clients were made: make them anew."""
        files = [self.ca_file, self.certificate_file, self.key_file]
        if self.mechanism != "OAUTHBEARER":
            files.append(self.password_file)
        return tuple(_changed_at(path) for path in files if path)

    def _login(self) -> dict[str, object]:
        if not self.mechanism:
            return {}
        if self.mechanism == "OAUTHBEARER":
            return {"sasl_mechanism": self.mechanism, "sasl_oauth_token_provider": _Token(self)}
        return {
            "sasl_mechanism": self.mechanism,
            "sasl_plain_username": self.username,
            "sasl_plain_password": self.secret(),
        }

    def secret(self) -> str:
        """Return the password or token as it is now. Raises SettingsError."""
        if self.password_file is None:
            return self.password.get_secret_value()
        try:
            return self.password_file.read_text("utf-8").strip()
        except (OSError, ValueError) as error:
            raise SettingsError(f"MADOGUCHI_KAFKA_PASSWORD_FILE: {error}") from error

    def _trust(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:  # an ssl.SSLError is one
            raise SettingsError(f"MADOGUCHI_KAFKA_CA_FILE: {self.ca_file}: {error}") from error
        if self.certificate_file:
            try:
                context.load_cert_chain(self.certificate_file, self.key_file)
            except OSError as error:
                files = "MADOGUCHI_KAFKA_CERTIFICATE_FILE, MADOGUCHI_KAFKA_KEY_FILE"
                raise SettingsError(f"{files}: {error}") from error
        return context


class _Token(AbstractTokenProvider):  # type: ignore[misc]  # aiokafka is untyped
    def __init__(self, access: KafkaAccess) -> None:
        self._access = access

    @override
    async def token(self) -> str:
        return self._access.secret()


class Client(Protocol):
    """Any client of aiokafka."""

    async def start(self) -> None:
        """Connect."""


def kafka_access(settings: CommonSettings) -> KafkaAccess:
    """Return how to reach Kafka. Raises SettingsError: contradictions, files that cannot be read."""
    access = KafkaAccess(
        settings.kafka,
        tls=settings.kafka_tls,
        ca_file=settings.kafka_ca_file,
        certificate_file=settings.kafka_certificate_file,
        key_file=settings.kafka_key_file,
        mechanism=settings.kafka_mechanism,
        username=settings.kafka_username,
        password=settings.kafka_password,
        password_file=settings.kafka_password_file,
    )
    complaints = [*_of_tls(access), *_of_login(access)]
    if complaints:
        raise SettingsError("; ".join(complaints))
    access.options()
    return access


async def started(client: Client, access: KafkaAccess) -> None:
    """Start a client made with `access`. Raises KafkaRefusedError; KafkaError where Kafka is away."""
    try:
        await client.start()
    except KafkaConnectionError as error:
        # The client has told its log why, and us nothing.
        raise (await _refusal(access) or error) from error


def described(error: BaseException) -> str:
    """Return in a few words, without secrets, what keeps us from Kafka."""
    told = error.args[0] if isinstance(error, KafkaRefusedError) else type(error).__name__
    return f"kafka: {told}"


async def _refusal(access: KafkaAccess) -> KafkaRefusedError | None:
    """Ask one broker. Return why it and we do not come together, or None where it is just away."""
    options = access.options()
    host, port, _ = collect_hosts(options.pop("bootstrap_servers"))[0]
    try:
        connection = await create_conn(
            host, port, request_timeout_ms=PROBE_SECONDS * 1000, **options
        )
    except (KafkaError, OSError) as error:
        reason = _reason(error)
        return KafkaRefusedError(f"{reason} ({host}:{port})") if reason else None
    connection.close()
    return None


def _reason(error: BaseException) -> str | None:
    """Return the settings that an error of a connection is about, with what was said."""
    if isinstance(error, SaslAuthenticationFailed):
        return f"MADOGUCHI_KAFKA_USERNAME, MADOGUCHI_KAFKA_PASSWORD: {error.args[0]}"
    if isinstance(error, UnsupportedSaslMechanismError):
        return f"MADOGUCHI_KAFKA_MECHANISM: {error}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"MADOGUCHI_KAFKA_CA_FILE: {error.verify_message}"
    if isinstance(error, ssl.SSLError):  # no TLS there, or it wants a certificate of ours
        files = "MADOGUCHI_KAFKA_TLS, MADOGUCHI_KAFKA_CERTIFICATE_FILE"
        return f"{files}: {error.reason or error}"
    if isinstance(error, ConnectionResetError | EOFError):
        return "MADOGUCHI_KAFKA_TLS, MADOGUCHI_KAFKA_MECHANISM: the broker hung up"
    return _reason(error.__cause__) if error.__cause__ else None


def _of_tls(access: KafkaAccess) -> Iterator[str]:
    named = {
        "CA_FILE": access.ca_file,
        "CERTIFICATE_FILE": access.certificate_file,
        "KEY_FILE": access.key_file,
    }
    for name, path in named.items():
        if path and not access.tls:
            yield f"MADOGUCHI_KAFKA_{name} is there for MADOGUCHI_KAFKA_TLS, which is off"
    if access.key_file and not access.certificate_file:
        yield "MADOGUCHI_KAFKA_KEY_FILE is there without MADOGUCHI_KAFKA_CERTIFICATE_FILE"


def _of_login(access: KafkaAccess) -> Iterator[str]:
    secrets = bool(access.password.get_secret_value()) + bool(access.password_file)
    if not access.mechanism:
        if access.username or secrets:
            yield "MADOGUCHI_KAFKA_MECHANISM is missing: a user or a password is there"
        return
    if secrets != 1:
        yield "of MADOGUCHI_KAFKA_PASSWORD and MADOGUCHI_KAFKA_PASSWORD_FILE one must be there"
    if not access.username and access.mechanism != "OAUTHBEARER":
        yield "MADOGUCHI_KAFKA_USERNAME is missing"
    if access.mechanism in _TELLING and not access.tls:
        yield f"MADOGUCHI_KAFKA_TLS must be on: {access.mechanism} shows the secret to whoever listens"


def _changed_at(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
