"""A Kafka and a PostgreSQL that listen for TLS, one of each for all tests here.

Both present a certificate of `authority`; `stranger` is an authority that vouches for nobody here.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.encrypted.authority import Authority, Issued
from tests.integration.encrypted.logins import LOGINS, PASSWORD, USER, EncryptedKafka

from common.edges.kafka import KafkaAccess
from local_stack.database import execute, role_statement
from local_stack.kafka import KafkaServer
from local_stack.ports import LOOPBACK, free_port
from local_stack.postgres import SETTINGS, THROWAWAY, PostgresServer
from local_stack.shared_servers import SharedServers


@pytest.fixture(scope="session")
def papers(servers: SharedServers) -> Path:
    return servers.scratch()


@pytest.fixture(scope="session")
def authority(papers: Path) -> Authority:
    return Authority(papers, "authority")


@pytest.fixture(scope="session")
def stranger(papers: Path) -> Authority:
    return Authority(papers, "stranger")


@pytest.fixture(scope="session")
def client_certificate(authority: Authority) -> Issued:
    return authority.issue("certified")


@pytest.fixture(scope="session")
def encrypted_kafka(servers: SharedServers, authority: Authority) -> Iterator[EncryptedKafka]:
    plain, control, password, certificate = (free_port() for _ in range(4))
    listeners = {
        "PLAINTEXT": plain,
        "CONTROLLER": control,
        "SASL_SSL": password,
        "SSL": certificate,
    }
    addresses = {name: f"{name}://{LOOPBACK}:{port}" for name, port in listeners.items()}
    advertised = [address for name, address in addresses.items() if name != "CONTROLLER"]
    scram = f"[name={USER},password={PASSWORD}]"
    server = KafkaServer(
        servers.scratch(),
        plain,
        control,
        settings={
            "listeners": ",".join(addresses.values()),
            "advertised.listeners": ",".join(advertised),
            "listener.security.protocol.map": ",".join(
                f"{name}:{'PLAINTEXT' if name == 'CONTROLLER' else name}" for name in listeners
            ),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(authority.issue("broker").both),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(authority.certificate),
            "listener.name.ssl.ssl.client.auth": "required",
            "sasl.enabled.mechanisms": ",".join(LOGINS).upper(),
            **{f"listener.name.sasl_ssl.{by}.sasl.jaas.config": who for by, who in LOGINS.items()},
        },
        format_options=[
            word
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
            for word in ("--add-scram", f"{mechanism}={scram}")
        ],
    )
    server.start()
    ports = (password, certificate, plain)
    yield EncryptedKafka(*(f"{LOOPBACK}:{port}" for port in ports))
    server.kill()


@pytest.fixture
def access(encrypted_kafka: EncryptedKafka, authority: Authority, papers: Path) -> KafkaAccess:
    secret = papers / "kafka-password"
    secret.write_text(f"{PASSWORD}\n")
    return KafkaAccess(
        encrypted_kafka.password,
        tls=True,
        ca_file=authority.certificate,
        mechanism="SCRAM-SHA-512",
        username=USER,
        password_file=secret,
    )


@pytest.fixture(scope="session")
def encrypted_postgres(
    servers: SharedServers, authority: Authority, papers: Path
) -> Iterator[PostgresServer]:
    """A server that lets nobody in without TLS, and `certified` by certificate alone."""
    mine = authority.issue("postgres")
    rules = papers / "pg_hba.conf"
    rules.write_text("hostssl all certified all cert\nhostssl all all all scram-sha-256\n")
    tls = {
        "ssl": "on",
        "ssl_cert_file": str(mine.certificate),
        "ssl_key_file": str(mine.key),
        "ssl_ca_file": str(authority.certificate),
        "hba_file": str(rules),
    }
    server = PostgresServer(
        servers.scratch(), free_port(), settings={**SETTINGS, **THROWAWAY, **tls}
    )
    if server.account:
        server.account.own(mine.key)
    server.start()
    statements = [
        role_statement(USER, PASSWORD),
        "CREATE ROLE certified LOGIN",
        f"CREATE DATABASE madoguchi OWNER {USER}",
    ]
    execute(server.address, statements)
    yield server
    server.destroy()
