"""A doctor finds what is broken, says what to do, and is content with what is well."""

import json
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from joserfc.jwk import ECKey, KeySet
from sqlalchemy import text

import router.wiring
from common.edges.database import create_writer_engine
from local_stack.database import execute
from local_stack.shared_servers import ROLE, SharedPostgres

NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
Findings = Callable[..., Awaitable[dict[str, str]]]


@pytest.fixture
def surroundings(
    kafka_server: str, topic_prefix: str, make_database: Any, tmp_path: Path
) -> dict[str, str]:
    """A router with everything that it needs."""
    keys = KeySet([ECKey.generate_key("P-256", parameters={"kid": "test"})])
    (tmp_path / "jwks.json").write_text(json.dumps(keys.as_dict(private=False)))
    return {
        "MADOGUCHI_KAFKA": kafka_server,
        "MADOGUCHI_TOPIC_PREFIX": topic_prefix,
        "MADOGUCHI_DATABASE": make_database(router.wiring.MIGRATIONS, "router"),
        "MADOGUCHI_JWKS": str(tmp_path / "jwks.json"),
        "MADOGUCHI_PRIVACY_KEY": "0123456789abcdef" * 2,
        "MADOGUCHI_OBJECTS": str(tmp_path / "objects"),
    }


@pytest.fixture
def findings(ops_json: Any) -> Findings:
    """Return what a doctor of the router has to say beyond what is in order, with what to do."""

    async def found(status: int, *words: str, **told: str) -> dict[str, str]:
        said = await ops_json("doctor", "--service", "router", *words, status=status, **told)
        assert said["well"] == (status == 0)
        return {
            one["what"]: one["do"]
            for one in said["findings"]
            if one["level"] != "fine" and "TOPIC_PREFIX" not in one["what"]
        }

    return found


@pytest.mark.usefixtures("whole_bus")
async def test_where_all_is_well_nothing_is_to_be_done(ops: Any, findings: Findings) -> None:
    assert await findings(0) == {}
    shown = await ops("doctor", "--service", "router")
    assert "✓ topics       all 7 topics are as they should be" in shown.stdout
    assert "row-level security binds" in shown.stdout
    assert "0 wrong" in shown.stdout
    assert "✓" not in (await ops("doctor", "--service", "router", "--quiet")).stdout


@pytest.mark.usefixtures("whole_bus")
async def test_a_misspelt_setting_is_a_warning_that_names_the_one_that_was_meant(
    findings: Findings,
) -> None:
    told = {"MADOGUCHI_DATABSE": "postgresql://secret", "MADOGUCHI_SMTP_PORT": "25"}
    found = await findings(0, **told)
    assert found == {
        "MADOGUCHI_DATABSE is set, and nobody reads it": "did you mean MADOGUCHI_DATABASE?"
    }
    assert await findings(1, "--strict", **told) == found


async def test_values_that_cannot_be_used_are_named_and_never_shown(ops: Any) -> None:
    told = {
        "MADOGUCHI_BATCH_MAX_RECORDS": "viele",
        "MADOGUCHI_KAFKA_MECHANISM": "ROT13",
        "MADOGUCHI_PRIVACY_KEY": "kurz",
    }
    result = await ops("doctor", "--service", "router", **told)
    assert result.exit_code == 1
    assert "✗ settings     router: MADOGUCHI_BATCH_MAX_RECORDS: " in result.stdout
    assert "MADOGUCHI_KAFKA_MECHANISM: " in result.stdout
    assert "viele" not in result.output
    assert "kurz" not in result.output


async def test_values_that_cannot_be_meant_are_named(findings: Findings) -> None:
    found = await findings(
        1,
        MADOGUCHI_LOG_LEVEL="LOUD",
        MADOGUCHI_DRAIN_SECONDS="0",
        MADOGUCHI_PRIVACY_KEY="kurz",
        MADOGUCHI_JWKS="",
        MADOGUCHI_OTLP_ENDPOINT="collector:4317",
        MADOGUCHI_KAFKA_USERNAME="madoguchi",
    )
    assert [what.split(" ")[0] for what in found] == [
        "MADOGUCHI_KAFKA_MECHANISM",
        "MADOGUCHI_DRAIN_SECONDS",
        "MADOGUCHI_JWKS",
        "MADOGUCHI_LOG_LEVEL",
        "MADOGUCHI_OTLP_ENDPOINT",
        "MADOGUCHI_PRIVACY_KEY",
    ]


async def test_servers_that_are_away_are_one_finding_each(
    findings: Findings, tmp_path: Path
) -> None:
    (tmp_path / "a-file").write_text("")
    found = await findings(
        1,
        MADOGUCHI_KAFKA="127.0.0.1:1",
        MADOGUCHI_DATABASE="postgresql://nobody@127.0.0.1:1/none",
        MADOGUCHI_JWKS=str(tmp_path / "none.json"),
        MADOGUCHI_RULES=str(tmp_path / "none.yaml"),
    )
    assert len(found) == 4
    assert [what for what in found if what.startswith("cannot be reached: ")] == list(found)[1:3]


@pytest.mark.usefixtures("whole_bus")
async def test_a_schema_that_is_behind_ahead_or_open_is_told_apart(
    findings: Findings, surroundings: dict[str, str]
) -> None:
    engine = create_writer_engine(surroundings["MADOGUCHI_DATABASE"], "router")

    async def change(statement: str) -> None:
        async with engine.begin() as connection:
            await connection.execute(text(statement))

    try:
        await change("ALTER TABLE agent NO FORCE ROW LEVEL SECURITY")
        assert "row-level security does not keep tenants apart in agent" in await findings(1)
        await change("ALTER TABLE agent FORCE ROW LEVEL SECURITY")
        await change("UPDATE alembic_version SET version_num = '9999'")
        [what] = await findings(0)
        assert what.startswith("schema at 9999, which this version does not know")
        await change("UPDATE alembic_version SET version_num = '0001'")
        assert list((await findings(1)).values()) == ["run `python -m router migrate`"]
        await change("DROP SCHEMA router CASCADE")
        assert list(await findings(1)) == ["never migrated"]
    finally:
        await engine.dispose()


@pytest.fixture
def boundless(postgres_server: SharedPostgres) -> Iterator[str]:
    name, password = f"{ROLE}_boundless", "pw"
    execute(postgres_server.admin, [f"CREATE ROLE {name} LOGIN BYPASSRLS PASSWORD '{password}'"])
    yield postgres_server.admin.url("postgres", user=name, password=password)
    execute(postgres_server.admin, [f"DROP ROLE {name}"])


@pytest.mark.usefixtures("whole_bus")
async def test_a_role_that_row_level_security_does_not_bind_is_an_error(
    findings: Findings, boundless: str
) -> None:
    found = await findings(1, MADOGUCHI_DATABASE=boundless)
    assert any("row-level security does not bind it" in what for what in found)


async def test_missing_topics_are_errors_with_the_command_that_makes_them(
    findings: Findings,
) -> None:
    found = await findings(1)
    assert len(found) == 7
    assert set(found.values()) == {"run `python -m common.ops topics apply`"}


@pytest.mark.usefixtures("whole_bus")
async def test_mistakes_in_the_rules_are_told_with_their_lines(
    findings: Findings, tmp_path: Path
) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("queues: 3\n")
    found = await findings(1, MADOGUCHI_RULES=str(rules))
    assert all(what.startswith(f"{rules}:1: ") for what in found)


@pytest.fixture
def ingest(ops_json: Any, tmp_path: Path) -> Findings:
    """Likewise of a service that takes mail in, as far as its accounts and certificates go."""

    async def found(accounts: str, **told: str) -> dict[str, str]:
        file = tmp_path / "accounts.yaml"
        file.write_text(accounts, "utf-8")
        away = {"MADOGUCHI_KAFKA": "127.0.0.1:1", "MADOGUCHI_ACCOUNTS": str(file), **told}
        said = await ops_json("doctor", "--service", "ingest_email", status=1, **away)
        ours = ("accounts", "certificates")
        return {one["what"]: one["level"] for one in said["findings"] if one["area"] in ours}

    return found


async def test_every_fault_of_the_accounts_is_told_at_once(
    ingest: Findings, tmp_path: Path
) -> None:
    found = await ingest(
        """
        accounts:
          - {tenant: acme, provider: imap, account: a, secrets: ["file:/none"], options: {ca_file: /none}}
          - {tenant: acme, provider: line, account: b, secrets: ["${LINE_SECRET}", ""]}
          - {tenant: acme, provider: line, account: b}
        """
    )
    path = tmp_path / "accounts.yaml"
    assert f"{path} needs LINE_SECRET, which is not set" in found
    assert "line/b is there 2 times, and only the last one counts" in found
    assert "imap/a, ca_file: /none cannot be read" in found
    assert found["line/b, secret 2 is empty and opens nothing"] == "warning"
    assert len(found) == 5
    [unreadable] = await ingest("accounts: [{tenant: 3}]")
    assert unreadable.startswith(f"{path}: ")
    assert list((await ingest("accounts: []")).values()) == ["fine"]


async def test_certificates_are_told_before_they_end(ingest: Findings, tmp_path: Path) -> None:
    file, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    told = {"MADOGUCHI_SMTP_TLS_CERTIFICATE": str(file), "MADOGUCHI_SMTP_TLS_KEY": str(key)}
    levels: list[str] = []
    for days in (-1, 3, 90):
        key.write_bytes(certificate(file, timedelta(days=days)))
        found = await ingest("accounts: []", **told)
        levels += [level for what, level in found.items() if "CERTIFICATE" in what]
    assert levels == ["error", "warning", "fine"]
    key.write_text("no key")
    assert "error" in (await ingest("accounts: []", **told)).values()


def certificate(file: Path, good_for: timedelta) -> bytes:
    """Write a certificate and return its key, both PEM."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)  # noqa: TID251 - ends by the real clock
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mx.acme.example")])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=9)).not_valid_after(now + good_for)
    file.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
