"""What an operator's tools have to know of this service; see common.ops.doctor.installed."""

from common.edges.ingest import MIGRATIONS
from common.ops.doctor.installed import History, Installed, Need
from ingest_social.settings import Settings
from ingest_social.wiring import SERVICE

INSTALLED = Installed(
    name=SERVICE,
    settings=Settings,
    histories=(History(MIGRATIONS),),
    needs=frozenset({Need.ACCOUNTS, Need.OBJECTS}),
)
