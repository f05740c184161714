"""What this service is told by its environment."""

from pydantic import Field

from common.settings import IngestSettings


class Settings(IngestSettings):
    """The shared settings with this service's own defaults."""

    port: int = Field(8103, description="port of the HTTP surface")
    mentions_seconds: float = Field(30.0, description="pause between questions for new mentions")
