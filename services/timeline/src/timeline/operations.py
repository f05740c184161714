"""What an operator's tools have to know of this service; see common.ops.doctor.installed."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from common.core.operations.findings import Area, Finding, error
from common.ops.doctor.installed import History, Installed, Need
from timeline.core.file_links import read_keys
from timeline.settings import Settings
from timeline.wiring import MIGRATIONS, SERVICE


def settings_findings() -> Iterator[Finding]:
    """Look at what only this service is told."""
    settings = Settings()
    try:
        read_keys(settings.link_keys)
    except ValueError as fault:
        what = f"MADOGUCHI_LINK_KEYS cannot be used: {fault}"
        yield error(Area.SETTINGS, what, "write id:secret pairs, separated by commas", SERVICE)
    try:
        ZoneInfo(settings.figures_time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        what = "MADOGUCHI_FIGURES_TIME_ZONE is no time zone"
        yield error(Area.SETTINGS, what, "write a name such as Asia/Tokyo", SERVICE)


INSTALLED = Installed(
    name=SERVICE,
    settings=Settings,
    histories=(History(MIGRATIONS),),
    needs=frozenset({Need.TOKENS, Need.OBJECTS, Need.PRIVACY_KEY}),
    checks=(settings_findings,),
)
