"""What an event is called on the bus: the same for the live service, a replay and `parse`."""

from common.core.adapters import ChannelAccount, Draft
from common.core.cloudevents import Attributes, event_type
from common.core.ids import event_id


def attributes_of(service: str, account: ChannelAccount, draft: Draft) -> Attributes:
    """Return the context attributes of a draft that came to `account` of `service`."""
    scope = f"{account.tenant}/{account.account}"
    return Attributes(
        id=event_id(account.provider, scope, draft.provider_id),
        source=f"/{service}/{account.provider}/{account.account}",
        type=event_type(draft.data),
        subject=draft.contact,
        time=draft.time,
        tenant=account.tenant,
    )
