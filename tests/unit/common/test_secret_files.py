"""A secret may be a file, so that no environment has it."""

from pathlib import Path

import pytest

from common.settings import CommonSettings

URL = "postgresql://madoguchi:パスワード@postgres:5432/madoguchi"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "madoguchi_database").write_text(f"{URL}\n", "utf-8")
    monkeypatch.setenv("MADOGUCHI_SECRETS", str(tmp_path))
    monkeypatch.delenv("MADOGUCHI_DATABASE", raising=False)
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_a_file_in_the_folder_of_secrets_is_a_setting_without_its_last_line_break() -> None:
    settings = CommonSettings()

    assert settings.database == URL
    assert settings.port == CommonSettings.model_fields["port"].default


@pytest.mark.usefixtures("folder")
def test_the_environment_counts_more_than_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MADOGUCHI_DATABASE", "postgresql://elsewhere/madoguchi")

    assert CommonSettings().database == "postgresql://elsewhere/madoguchi"


def test_without_a_folder_no_file_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "madoguchi_log_level").write_text("DEBUG")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MADOGUCHI_SECRETS", raising=False)

    assert CommonSettings().log_level == "INFO"
