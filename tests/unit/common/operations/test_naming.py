"""A misspelt setting is named with the one that was meant."""

from pathlib import Path

import pytest

import ingest_email.settings
import ingest_sms.settings
import ingest_social.settings
import router.settings
import timeline.settings
from common.core.operations.naming import Unknown, unknown_names
from common.core.operations.setting_names import OF_ONE_SERVICE
from common.settings import CommonSettings, IngestSettings

KNOWN = {"MADOGUCHI_KAFKA", "MADOGUCHI_DATABASE", "MADOGUCHI_TWILIO_TOKEN"}
SETTINGS: dict[str, type[CommonSettings]] = {
    "ingest_email": ingest_email.settings.Settings,
    "ingest_sms": ingest_sms.settings.Settings,
    "ingest_social": ingest_social.settings.Settings,
    "router": router.settings.Settings,
    "timeline": timeline.settings.Settings,
}


def test_what_is_known_or_somebody_elses_is_not_mentioned() -> None:
    assert unknown_names(["MADOGUCHI_KAFKA", "PATH"], KNOWN, "MADOGUCHI_") == []


def test_the_nearest_known_name_is_told_where_one_is_near() -> None:
    present = ["MADOGUCHI_DATABSE", "MADOGUCHI_QUITE_ELSE", "MADOGUCHI_TRWILIO_TO"]
    assert unknown_names(present, KNOWN, "MADOGUCHI_") == [
        Unknown("MADOGUCHI_DATABSE", "MADOGUCHI_DATABASE"),
        Unknown("MADOGUCHI_QUITE_ELSE", None),
        Unknown("MADOGUCHI_TRWILIO_TO", "MADOGUCHI_TWILIO_TOKEN"),
    ]


@pytest.mark.parametrize("service", sorted(SETTINGS))
def test_every_services_own_settings_are_known_in_the_images_of_all_others(service: str) -> None:
    shared = CommonSettings.model_fields.keys() | IngestSettings.model_fields.keys()
    own = SETTINGS[service].model_fields.keys() - shared
    assert OF_ONE_SERVICE[service] == own, "name it in common.core.operations.setting_names"


def test_every_service_there_is_has_its_settings_known() -> None:
    folders = Path(__file__).parents[4] / "services"
    assert {one.name for one in folders.iterdir() if one.is_dir()} == OF_ONE_SERVICE.keys()
