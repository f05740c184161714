"""What settings of connections mean, and what they may not be."""

from pathlib import Path

import pytest

from common.core.errors import SettingsError
from common.edges.kafka import kafka_access
from common.edges.postgres import Postgres, read_url
from common.settings import CommonSettings

SECRET = "himitsu"


def told(**settings: object) -> CommonSettings:
    return CommonSettings.model_validate({f"kafka_{name}": said for name, said in settings.items()})


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"ca_file": "ca.pem"}, "CA_FILE is there for MADOGUCHI_KAFKA_TLS"),
        ({"tls": True, "key_file": "key.pem"}, "without MADOGUCHI_KAFKA_CERTIFICATE_FILE"),
        ({"username": "router"}, "MADOGUCHI_KAFKA_MECHANISM is missing"),
        ({"password": SECRET}, "MADOGUCHI_KAFKA_MECHANISM is missing"),
        ({"mechanism": "SCRAM-SHA-512", "username": "router"}, "one must be there"),
        (
            {"mechanism": "SCRAM-SHA-512", "password": SECRET, "password_file": "secret"},
            "one must be there",
        ),
        ({"mechanism": "SCRAM-SHA-512", "password": SECRET}, "MADOGUCHI_KAFKA_USERNAME is missing"),
        (
            {"mechanism": "PLAIN", "username": "router", "password": SECRET},
            "MADOGUCHI_KAFKA_TLS must be on",
        ),
        ({"mechanism": "OAUTHBEARER", "password": SECRET}, "MADOGUCHI_KAFKA_TLS must be on"),
        ({"tls": True, "ca_file": "nowhere.pem"}, "MADOGUCHI_KAFKA_CA_FILE: nowhere.pem"),
        ({"tls": True, "certificate_file": "nowhere.pem"}, "MADOGUCHI_KAFKA_CERTIFICATE_FILE"),
        (
            {"mechanism": "SCRAM-SHA-512", "username": "router", "password_file": "nowhere"},
            "MADOGUCHI_KAFKA_PASSWORD_FILE",
        ),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_by_name(
    settings: dict[str, object], complaint: str
) -> None:
    with pytest.raises(SettingsError, match=complaint) as refused:
        kafka_access(told(**settings))
    assert SECRET not in str(refused.value)


def test_without_settings_kafka_is_reached_as_ever() -> None:
    assert kafka_access(told()).options() == {
        "bootstrap_servers": "127.0.0.1:29092",
        "security_protocol": "PLAINTEXT",
        "ssl_context": None,
    }


@pytest.mark.parametrize(
    ("settings", "protocol"),
    [
        ({"tls": True}, "SSL"),
        ({"mechanism": "SCRAM-SHA-256"}, "SASL_PLAINTEXT"),
        ({"mechanism": "SCRAM-SHA-256", "tls": True}, "SASL_SSL"),
    ],
)
def test_protection_and_login_are_chosen_apart(settings: dict[str, object], protocol: str) -> None:
    login = {"username": "router", "password": SECRET} if "mechanism" in settings else {}
    access = kafka_access(told(**settings, **login))
    assert access.options()["security_protocol"] == protocol
    assert SECRET not in repr(access)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("mysql://db.example.jp/x", "a URL begins with postgresql://"),
        ("postgresql://db.example.jp/x?sslmod=require", "unknown parameter sslmod"),
        ("postgresql://db.example.jp/x?sslmode=on", "sslmode is one of disable, allow"),
        ("postgresql://db.example.jp/x?sslrootcert=/nowhere/ca.pem", "sslrootcert: .*No such file"),
        ("postgresql://db.example.jp/x?password_file=/nowhere", "password_file: .*No such file"),
        ("postgresql://db.example.jp/x?himitsu", "is no URL with parameters"),
        ("postgresql://[db.example.jp/x", "is no URL"),
    ],
)
def test_a_url_that_cannot_be_meant_is_refused_by_its_setting(url: str, complaint: str) -> None:
    with pytest.raises(SettingsError, match=f"MADOGUCHI_DATABASE.*{complaint}") as refused:
        read_url(url)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "dsn"),
    [
        ("postgresql://m@db.example.jp/x", "postgresql://m@db.example.jp/x"),
        ("postgresql+asyncpg://m@db.example.jp/x", "postgresql://m@db.example.jp/x"),
        ("postgresql://m:a@b@one,two:5433/x", "postgresql://m:a%40b@one,two:5433/x"),
        ("postgres://m@db/x?ssl=verify-full", "postgresql://m@db/x?sslmode=verify-full"),
    ],
)
def test_other_spellings_mean_the_same(url: str, dsn: str) -> None:
    assert read_url(url) == Postgres(dsn)


def test_the_file_of_a_password_is_ours_to_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    url = f"postgresql://m@db.example.jp/x?password_file={secret}&sslmode=require"
    assert read_url(url) == Postgres("postgresql://m@db.example.jp/x?sslmode=require", secret)
