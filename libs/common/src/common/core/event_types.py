"""Every type of event that travels on the bus, by its CloudEvents name."""

from msgspec import Struct

from common.core.cases import CaseOpened, CaseReopened, CaseResolved, CaseRouted
from common.core.erasure import CustomerErased, CustomerForgotten
from common.core.events import (
    Activity,
    AttachmentStored,
    ConsentChanged,
    CustomerChanged,
    CustomersMerged,
    CustomersUnmerged,
    Message,
    MessageRequested,
    MessageStatus,
)
from common.core.identity_events import IdentityDecided
from common.core.surveys import SurveyAnswered, SurveyRequested
from common.core.work import (
    AgentChanged,
    AgentPresenceChanged,
    CaseAnswered,
    CaseHeld,
    CaseRelaxed,
    CaseRequeued,
    OfferAccepted,
    OfferDeclined,
    OfferExpired,
    OfferMade,
    OfferWithdrawn,
    RulesActivated,
    SlaAtRisk,
    SlaBreached,
)

EVENT_TYPES: dict[str, type[Struct]] = {
    "io.madoguchi.message.received": Message,
    "io.madoguchi.message.sent": Message,
    "io.madoguchi.message.status": MessageStatus,
    "io.madoguchi.message.requested": MessageRequested,
    "io.madoguchi.attachment.stored": AttachmentStored,
    "io.madoguchi.consent.changed": ConsentChanged,
    "io.madoguchi.customer.changed": CustomerChanged,
    "io.madoguchi.customer.erased": CustomerErased,
    "io.madoguchi.customer.forgotten": CustomerForgotten,
    "io.madoguchi.customers.merged": CustomersMerged,
    "io.madoguchi.customers.unmerged": CustomersUnmerged,
    "io.madoguchi.identity.decided": IdentityDecided,
    "io.madoguchi.activity.recorded": Activity,
    "io.madoguchi.case.opened": CaseOpened,
    "io.madoguchi.case.routed": CaseRouted,
    "io.madoguchi.case.reopened": CaseReopened,
    "io.madoguchi.case.requeued": CaseRequeued,
    "io.madoguchi.case.relaxed": CaseRelaxed,
    "io.madoguchi.case.held": CaseHeld,
    "io.madoguchi.case.answered": CaseAnswered,
    "io.madoguchi.case.resolved": CaseResolved,
    "io.madoguchi.offer.made": OfferMade,
    "io.madoguchi.offer.accepted": OfferAccepted,
    "io.madoguchi.offer.declined": OfferDeclined,
    "io.madoguchi.offer.expired": OfferExpired,
    "io.madoguchi.offer.withdrawn": OfferWithdrawn,
    "io.madoguchi.sla.at_risk": SlaAtRisk,
    "io.madoguchi.sla.breached": SlaBreached,
    "io.madoguchi.survey.requested": SurveyRequested,
    "io.madoguchi.survey.answered": SurveyAnswered,
    "io.madoguchi.agent.changed": AgentChanged,
    "io.madoguchi.agent.presence_changed": AgentPresenceChanged,
    "io.madoguchi.rules.activated": RulesActivated,
}

TYPE_OF = {cls: name for name, cls in EVENT_TYPES.items() if name != "io.madoguchi.message.sent"}
