"""What an operator's tools have to know of this service; see common.ops.doctor.installed."""

from common.ops.doctor.installed import History, Installed, Need
from ingest_sms.settings import Settings
from ingest_sms.wiring import MIGRATIONS, SERVICE

INSTALLED = Installed(
    name=SERVICE,
    settings=Settings,
    histories=(History(MIGRATIONS),),
    needs=frozenset({Need.ACCOUNTS, Need.OBJECTS}),
)
