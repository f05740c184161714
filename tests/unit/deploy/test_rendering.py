"""What the stack writes for its servers, and what it reads of their words."""

import struct
from pathlib import Path

import pytest

from local_stack.containers import environment_name
from local_stack.database import role_statement
from local_stack.java import java_version
from local_stack.kafka import live_brokers, render_properties
from local_stack.layout import Ports
from local_stack.postgres import PostgresAddress
from local_stack.postgres_tools import postgres_version
from local_stack.services import service_environment, what_is_missing


def test_properties_are_a_line_each_in_the_order_given() -> None:
    assert render_properties({"node.id": 1, "log.dirs": "/data"}) == "node.id=1\nlog.dirs=/data\n"


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "25" 2025-09-16 LTS', 25),
        ('java version "1.8.0_402"', 8),
        ("command not found", 0),
    ],
)
def test_javas_release_is_read_from_what_it_prints(said: str, version: int) -> None:
    assert java_version(said) == version


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("postgres (PostgreSQL) 17.10", 17),
        ("postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)", 15),
        ("postgres (PostgreSQL) 18beta1", 18),
        ("", 0),
    ],
)
def test_postgresqls_release_is_read_from_what_it_prints(said: str, version: int) -> None:
    assert postgres_version(said) == version


def test_the_brokers_of_a_metadata_answer_are_counted() -> None:
    assert live_brokers(struct.pack(">iii", 60, 1, 1)) == 1
    assert live_brokers(b"") == 0


def test_a_url_quotes_what_a_password_may_hold() -> None:
    address = PostgresAddress("127.0.0.1", 25432, "postgres", "p@ss/word")

    assert address.url() == "postgresql://postgres:p%40ss%2Fword@127.0.0.1:25432/postgres"
    assert address.url("窓口", user="madoguchi", password="x") == (
        "postgresql://madoguchi:x@127.0.0.1:25432/%E7%AA%93%E5%8F%A3"
    )


def test_a_role_may_log_in_and_nothing_else() -> None:
    statement = role_statement("madoguchi", "secret")

    assert "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD 'secret'" in statement


def test_a_broker_setting_becomes_the_variable_of_the_image() -> None:
    assert (
        environment_name("log.cleaner.dedupe.buffer.size") == "KAFKA_LOG_CLEANER_DEDUPE_BUFFER_SIZE"
    )


def test_services_are_told_absolute_paths_and_the_stacks_ports() -> None:
    environment = service_environment(
        Path("some/home"), Ports(kafka=1, smtp=2), database="postgresql://x", jwks=Path("jwks.json")
    )

    assert environment["MADOGUCHI_KAFKA"] == "127.0.0.1:1"
    assert environment["MADOGUCHI_SMTP_PORT"] == "2"
    assert Path(environment["MADOGUCHI_OBJECTS"]).is_absolute()
    assert Path(environment["MADOGUCHI_JWKS"]).is_absolute()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            b'{"ready": false, "missing": {"kafka": "no broker", "rules": "unread"}}',
            "kafka: no broker, rules: unread",
        ),
        (b"<html>", "an answer that says nothing"),
        (b"[]", "an answer that says nothing"),
        (b'{"missing": ["kafka"]}', "an answer that says nothing"),
    ],
)
def test_what_a_service_misses_is_one_line(body: bytes, said: str) -> None:
    assert what_is_missing(body) == said


def test_free_ports_are_all_different() -> None:
    ports = Ports.free()

    assert (
        len({ports.kafka, ports.controller, ports.postgres, ports.smtp, *ports.services.values()})
        == 9
    )
