"""What every service is told by its environment; with the services' settings.py the only readers of it."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)
from typing_extensions import override

SaslMechanism = Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]


class CommonSettings(BaseSettings):
    """Settings shared by all services. Each is `MADOGUCHI_<NAME>` in the environment."""

    model_config = SettingsConfigDict(
        env_prefix="MADOGUCHI_", extra="ignore", frozen=True, hide_input_in_errors=True
    )

    kafka: str = Field("127.0.0.1:29092", description="bootstrap addresses, comma separated")
    kafka_tls: bool = Field(default=False, description="whether connections to Kafka are TLS")
    kafka_ca_file: Path | None = Field(
        None, description="PEM file of who vouches for brokers; none = the system's authorities"
    )
    kafka_certificate_file: Path | None = Field(
        None, description="PEM file that proves to brokers who we are"
    )
    kafka_key_file: Path | None = Field(
        None, description="PEM file of the certificate's key, unless that holds it"
    )
    kafka_mechanism: SaslMechanism = Field(
        "", description="SASL mechanism of the login at Kafka; empty = none"
    )
    kafka_username: str = Field("", description="user of the login at Kafka")
    kafka_password: SecretStr = Field(SecretStr(""), description="his password")
    kafka_password_file: Path | None = Field(
        None, description="file of the password, or of the token for OAUTHBEARER; read again"
    )
    database: str = Field(
        "postgresql://madoguchi@127.0.0.1:25432/madoguchi",
        description="PostgreSQL URL; its parameters (TLS, password_file) are in docs/security.md",
    )
    objects: str = Field(".local/objects", description="folder or s3://, gs://, az:// URL")
    host: str = Field("127.0.0.1", description="address the HTTP surface listens on")
    port: int = Field(8100, description="port of the HTTP surface")
    jwks: str = Field("", description="path or https URL of the keys that sign bearer tokens")
    issuer: str = Field("https://local.madoguchi.example", description="`iss` of accepted tokens")
    audience: str = Field("madoguchi", description="`aud` of accepted tokens")
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")
    otlp_endpoint: str = Field(
        "",
        description="OpenTelemetry collector (OTLP over HTTP, e.g. http://otel:4318); empty = none",
    )
    trace_ratio: float = Field(
        1.0, ge=0, le=1, description="share of the messages that are traced, the same everywhere"
    )
    instance: str = Field("", description="name of this process; empty = host name and pid")
    linger_seconds: float = Field(
        2.0, description="time to go on answering after SIGTERM, before the drain"
    )
    drain_seconds: float = Field(20.0, description="longest time to finish work after SIGTERM")
    # Whoever reuses a connection for longer than we keep it meets a closed one: load balancers keep
    # theirs for a minute.
    keep_alive_seconds: int = Field(75, description="how long an idle connection is kept open")
    publish_timeout_seconds: float = Field(5.0, description="longest wait for Kafka's answer")
    batch_max_records: int = Field(1000, description="records handled in one transaction")
    session_timeout_seconds: float = Field(
        6.0,
        description=(
            "a consumer that Kafka has not heard of for so long counts as dead, and others take over;"
            " not below the broker's group.min.session.timeout.ms"
        ),
    )
    stuck_after_seconds: float = Field(60.0, description="no progress for so long = not ready")
    privacy_key: str = Field(
        "",
        description=(
            "secret (32 characters or more) under which erased addresses are hashed; the same in"
            " every service and for ever; empty = nobody can be erased"
        ),
    )
    topic_prefix: str = Field("", description="in front of every topic and group; for tests")
    replication_factor: int = Field(1, description="copies of each partition when topics are made")
    secrets: Path | None = Field(
        None,
        description=(
            "folder of files that each hold a setting, called madoguchi_<name>, such as"
            " madoguchi_database; the environment counts more"
        ),
    )

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read what the environment does not say from the folder of secrets that it names."""
        folder = env_settings().get("secrets")
        files = [SecretsSettingsSource(settings_cls, secrets_dir=folder)] if folder else []
        return init_settings, env_settings, *files


class IngestSettings(CommonSettings):
    """Settings of the services that take messages in."""

    accounts: Path = Field(Path("deploy/local/accounts.yaml"), description="the accounts file")
    body_limit_bytes: int = Field(2_000_000, description="largest webhook body that is read")
    # A provider waits two seconds at most (LINE): after this long the durable inbox takes over.
    publish_timeout_seconds: float = Field(1.0, description="longest wait for Kafka's answer")
    inbox_retry_seconds: float = Field(0.5, description="pause between attempts to drain the inbox")
    parsing_seconds: float = Field(
        2.0, description="processor time that reading one large original may take"
    )
    parsing_workers: int = Field(
        2, description="processes that read large originals, once any come"
    )
    media_workers: int = Field(4, description="files fetched at the same time; 0 = none at all")
    media_max_bytes: int = Field(25_000_000, description="largest file that is fetched")
    media_seconds: float = Field(60.0, description="longest time to fetch one file")
