"""What this service is told by its environment."""

from pydantic import Field

from common.settings import IngestSettings


class Settings(IngestSettings):
    """The shared settings with this service's own. Times in seconds."""

    port: int = Field(8102, description="port of the HTTP surface")
    parts_patience_seconds: float = Field(
        86_400.0, description="a long message whose parts are missing goes on after so long"
    )
    parts_sweep_seconds: float = Field(10.0, description="how often that is looked at")
    smpp_retry_seconds: float = Field(1.0, description="pause before binding again; doubles")
    smpp_longest_retry_seconds: float = Field(60.0, description="longest such pause")
