"""What an operator can do on the command line."""

import asyncio

import asyncpg
import pytest
from typer.testing import CliRunner

from timeline.__main__ import app


@pytest.fixture
def command(migrated: str, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("MADOGUCHI_DATABASE", migrated)
    return CliRunner()


async def blocked_contacts(url: str) -> list[tuple[str, str]]:
    connection = await asyncpg.connect(url, server_settings={"madoguchi.tenant": "*"})
    try:
        return [
            (row["tenant"], row["pattern"])
            for row in await connection.fetch("SELECT * FROM timeline.blocked WHERE blocked")
        ]
    finally:
        await connection.close()


def test_an_operator_says_which_contact_several_people_share(
    command: CliRunner, migrated: str
) -> None:
    arguments = ["share", "tel:03-1234-5678", "--tenant", "acme"]
    for _ in range(2):
        result = command.invoke(app, arguments)
        assert result.exit_code == 0, result.output
        assert "tel:+81312345678 is shared" in result.output
    assert asyncio.run(blocked_contacts(migrated)) == [("acme", "tel:+81312345678")]


def test_what_is_no_contact_is_refused_in_one_sentence(command: CliRunner) -> None:
    result = command.invoke(app, ["share", "代表電話", "--tenant", "acme"])
    assert result.exit_code == 2
    assert "not a contact" in result.output


def test_migrating_again_changes_nothing(command: CliRunner) -> None:
    for _ in range(2):
        result = command.invoke(app, ["migrate"])
        assert result.exit_code == 0, result.output
