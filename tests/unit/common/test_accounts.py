"""The accounts file names our numbers and mailboxes; its secrets come from outside and never show."""

from pathlib import Path

import pytest

from common.edges.accounts import AccountsError, load_accounts

FILE = """
accounts:
  - tenant: acme
    provider: twilio
    account: main
    secrets: ["${TWILIO}", "${TWILIO_OLD:-none}", "file:SECRET"]
    team: 電話窓口
  - tenant: acme
    provider: smtp
    account: support
    addresses: [Support@acme.example, 窓口@acme.example]
"""


@pytest.fixture
def written(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("from a file\n")
    path = tmp_path / "accounts.yaml"
    path.write_text(FILE.replace("SECRET", str(tmp_path / "secret")), "utf-8")
    return path


def test_secrets_come_from_the_environment_and_from_files(written: Path) -> None:
    accounts = load_accounts(written, {"TWILIO": "new"})
    account = accounts.find("twilio", "main")
    assert account is not None
    assert account.secrets == ("new", "none", "from a file")
    assert accounts.find("twilio", "other") is None
    assert accounts.of_provider("twilio") == [account]


def test_a_mailbox_is_found_by_its_address_in_any_case(written: Path) -> None:
    accounts = load_accounts(written, {"TWILIO": "x"})
    support = accounts.find("smtp", "support")
    assert accounts.by_address("smtp", "SUPPORT@ACME.example") == support
    assert accounts.by_address("smtp", "窓口@acme.example") == support
    assert accounts.by_address("smtp", "nobody@acme.example") is None


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("accounts: [", "while parsing"),
        ("accounts: [{provider: x}]", "tenant"),
        ("accounts: []\nacounts: []", "acounts"),
        ("accounts: [{tenant: a, provider: b, account: c, secrets: ['${GONE}']}]", "GONE"),
        ("accounts: [{tenant: a, provider: b, account: c, secrets: ['file:/nowhere']}]", "nowhere"),
    ],
)
def test_a_bad_file_is_refused_with_its_reason(
    tmp_path: Path, content: str, complaint: str
) -> None:
    path = tmp_path / "accounts.yaml"
    path.write_text(content)
    with pytest.raises(AccountsError, match=complaint):
        load_accounts(path, {})


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AccountsError, match="none"):
        load_accounts(tmp_path / "none.yaml", {})


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe", b"[" * 5000, b"a: 2026-13-45", b'a: !!int ""', b"a: !!bool maybe"],
    ids=["not-utf-8", "nested", "date", "integer", "boolean"],
)
def test_a_file_that_cannot_be_read_says_so_whatever_is_wrong_with_it(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "accounts.yaml"
    path.write_bytes(content)
    with pytest.raises(AccountsError, match=r"accounts\.yaml"):
        load_accounts(path, {})


@pytest.mark.parametrize("name", [r"file:a\0b", "file:accounts.yaml"], ids=["no-name", "no-utf-8"])
def test_a_secret_in_no_file_that_can_be_read_is_refused(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "accounts.yaml").write_bytes(b"\xff")
    path = tmp_path / "good.yaml"
    path.write_text(f'accounts: [{{tenant: a, provider: b, account: c, secrets: ["{name}"]}}]')
    with pytest.raises(AccountsError, match="cannot be read"):
        load_accounts(path, {})
