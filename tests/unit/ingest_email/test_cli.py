"""The command line: what an operator sees of a mail, without any server."""

import json
from pathlib import Path

import pytest
from tests.samples.golden import FOLDER
from typer.testing import CliRunner

from ingest_email.__main__ import app

MAIL = "From: taro@example.jp\nSubject: 問い合わせ\nMessage-ID: <a@example.jp>\n\nこんにちは"


@pytest.fixture
def mail(tmp_path: Path) -> str:
    path = tmp_path / "mail.eml"
    path.write_text(MAIL, "utf-8")
    return str(path)


def test_one_mail_is_printed_for_people(mail: str) -> None:
    result = CliRunner().invoke(app, ["parse", mail, "--received-at", "2026-01-15T09:30:00"])
    event = json.loads(result.stdout)
    assert result.stdout.startswith("{\n  ")
    assert (event["type"], event["subject"]) == (
        "io.madoguchi.message.received",
        "email:taro@example.jp",
    )
    assert event["data"]["text"] == "こんにちは"


def test_several_mails_are_a_line_each_and_the_same_mail_is_the_same_event(mail: str) -> None:
    lines = CliRunner().invoke(app, ["parse", mail, mail]).stdout.splitlines()
    first, second = (json.loads(line) for line in lines)
    assert first["id"] == second["id"]


@pytest.mark.parametrize(
    ("provider", "sample"),
    [
        ("sendgrid", "raw-shift-jis.form"),
        ("mailgun", "mime-multipart.form"),
        ("postmark", "raw.json"),
        ("ses", "content-base64.json"),
    ],
)
def test_a_providers_request_is_unwrapped_into_the_event_that_it_would_become(
    provider: str, sample: str
) -> None:
    request = FOLDER / "mail-webhooks" / provider / sample
    result = CliRunner().invoke(app, ["parse", "--provider", provider, str(request)])
    (wanted,) = json.loads(request.with_suffix(".expected.json").read_text("utf-8"))
    event = json.loads(result.stdout)
    assert event["subject"] == wanted["contact"]
    assert event["data"]["text"] == wanted["data"]["text"]
    assert event["data"]["provider"] == provider


def test_an_unknown_provider_is_refused_with_those_that_are_known(mail: str) -> None:
    result = CliRunner().invoke(app, ["parse", "--provider", "pigeon", mail])
    assert result.exit_code == 2
    assert "unknown provider pigeon" in result.output
