"""Who a customer is: what the newest profiles say, and every address."""

from uuid import UUID

from tests.unit.timeline.telling import HANAKO_MAIL, HANAKO_TEL, START, after

from common.core.events import Account, Contract, CustomerChanged
from timeline.core.customers import ContactLine, ProfileLine, customer_view

ID = UUID(int=1)
STANDARD = Contract(contract_id="K-1", plan="standard", starts_at=START)
PREMIUM = Contract(contract_id="K-2", plan="premium", starts_at=START)


def test_a_customer_without_profile_is_its_contacts() -> None:
    lines = [
        ContactLine(HANAKO_TEL, after(2), shared=False),
        ContactLine(HANAKO_MAIL, after(1), shared=True),
    ]
    view = customer_view(ID, START, lines, [], [])
    assert [line.contact for line in view.contacts] == [HANAKO_MAIL, HANAKO_TEL]
    assert (view.name, view.tier, view.language, view.account) == (None, None, None, None)
    assert view.contracts == ()


def test_the_newest_profile_speaks_first_and_the_others_fill_in_what_it_leaves_open() -> None:
    crm = CustomerChanged(
        customer_ref="crm-1024",
        contacts=(),
        changed_at=after(5),
        name="鈴木 花子",
        contracts=(PREMIUM,),
    )
    billing = CustomerChanged(
        customer_ref="billing-7",
        contacts=(),
        changed_at=after(1),
        name="スズキ ハナコ",
        tier="gold",
        language="ja",
        account=Account("A-77", "株式会社あおぞら"),
        contracts=(STANDARD,),
    )
    view = customer_view(ID, START, [], [billing, crm], [UUID(int=3), UUID(int=2)])
    assert (view.name, view.tier, view.language) == ("鈴木 花子", "gold", "ja")
    assert view.account == Account("A-77", "株式会社あおぞら")
    assert view.contracts == (PREMIUM, STANDARD)
    assert view.profiles == (ProfileLine("crm-1024", after(5)), ProfileLine("billing-7", after(1)))
    assert view.merged == (UUID(int=2), UUID(int=3))
