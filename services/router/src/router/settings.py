"""What the router is told by its environment."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from common.settings import CommonSettings


class Settings(CommonSettings):
    """Settings of the router."""

    port: int = Field(8104, description="port of the HTTP surface")
    rules: Path = Field(Path("deploy/local/rules.yaml"), description="the rules file")
    rules_source: Literal["database", "file"] = Field(
        "database", description="whether rules can be activated, or the file is the only truth"
    )
    rules_poll_seconds: float = Field(1.0, description="how often other rules are looked for")
    match_seconds: float = Field(
        5.0, description="how often all that waits is looked at, in case news of it were lost"
    )
    live_streams: int = Field(
        20_000, description="live streams of offers, and of queues, that one process holds open"
    )
