"""What the timeline is told by its environment."""

from pydantic import Field

from common.settings import CommonSettings


class Settings(CommonSettings):
    """Settings of the timeline."""

    port: int = Field(8105, description="port of the HTTP surface")
    region: str = Field("JP", description="country (ISO 3166) of numbers written without one")
    search_indexing: bool = Field(
        default=True, description="whether `serve` also builds the search's index; see search-index"
    )
    public_url: str = Field(
        "", description="address at which tools reach this service, for links; empty = paths alone"
    )
    link_keys: str = Field(
        "",
        description=(
            "id:secret pairs (32 characters or more), separated by commas, that sign links to files;"
            " the first one signs; empty = one made from the privacy key, or of this process alone"
        ),
    )
    search_connections: int = Field(2, description="searches that the database answers at once")
    figures_counting: bool = Field(
        default=True,
        description="whether `serve` also counts the service figures; see figures follow",
    )
    figures_time_zone: str = Field(
        "Asia/Tokyo", description="time zone (IANA) of figures that are asked for without one"
    )
    live_streams: int = Field(5000, description="live streams that one process holds open at once")
