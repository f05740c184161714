"""Every setting is a value of the chart, and pods are told none that nobody reads."""

from typing import Any

from checks.chart_settings import (
    SAID,
    SERVICES,
    UNSAID,
    faults,
    in_values,
    of_settings,
    variable_of,
)
from common.settings import CommonSettings


def told(*names: str) -> list[dict[str, Any]]:
    containers = [{"env": [{"name": name, "value": "x"} for name in names]}]
    return [{"spec": {"template": {"spec": {"containers": containers}}}}]


def test_a_setting_is_a_value_or_it_is_said_why_not() -> None:
    for settings in SERVICES.values():
        values = of_settings(settings)["properties"]
        named = {name for name in settings.model_fields if in_values(name) in values}
        assert settings.model_fields.keys() == named | (
            settings.model_fields.keys() & (SAID | set(UNSAID))
        )
        assert all(value["description"] for value in values.values())


def test_what_a_value_may_be_is_what_the_code_takes() -> None:
    values = of_settings(CommonSettings)["properties"]
    assert values["drainSeconds"]["type"] == "number"
    assert values["batchMaxRecords"]["type"] == "integer"
    assert values["logLevel"]["enum"] == ["DEBUG", "INFO", "WARNING", "ERROR"]
    assert values["traceRatio"]["maximum"] == 1


def test_what_is_told_to_nobody_and_what_nobody_reads_is_named() -> None:
    everything = [variable_of(name) for name in SAID]
    assert list(faults(told(*everything, "PASSWORD"))) == []
    assert list(faults(told(*everything, "MADOGUCHI_KAFKA_PASSWROD"))) == [
        "MADOGUCHI_KAFKA_PASSWROD is told to containers, and nobody reads it"
    ]
    assert list(faults(told(*(name for name in everything if name != "MADOGUCHI_LINK_KEYS")))) == [
        "MADOGUCHI_LINK_KEYS is told to no container"
    ]
