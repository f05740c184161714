"""What the router is told by its environment."""

from pathlib import Path

from pydantic import Field

from common.settings import CommonSettings


class Settings(CommonSettings):
    """Settings of the router."""

    port: int = Field(8104, description="port of the HTTP surface")
    rules: Path = Field(Path("deploy/local/rules.yaml"), description="the rules file")
    rules_poll_seconds: float = Field(1.0, description="how often the rules file is looked at")
