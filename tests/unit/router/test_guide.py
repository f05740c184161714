"""docs/routing.md tells the truth: its numbers are computed again, its tables are complete."""

import re
from collections.abc import Callable
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest

from common.core.cases import Decision
from common.core.events import CustomerChanged, Message, MessageKind
from router.core.acceptance import accepted_profile
from router.core.conditions import FIELDS, FUNCTIONS
from router.core.continuity import FOLLOWING, OPENING
from router.core.customers import contracts_of, known_as
from router.core.facts import Arrival
from router.core.policy import Policy

GUIDE = (Path(__file__).parents[3] / "docs" / "routing.md").read_text("utf-8")
TOKYO = ZoneInfo("Asia/Tokyo")


def block(kind: str) -> bytes:
    found = re.search(rf"```json {kind}\n(.*?)```", GUIDE, re.DOTALL)
    assert found is not None
    return found[1].encode()


def table(heading: str) -> dict[str, list[str]]:
    lines = GUIDE[GUIDE.index(f"| {heading} |") :].split("\n\n", 1)[0].splitlines()[2:]
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return {first: rest for first, *rest in cells}


@pytest.fixture
def followed(acme: Policy, decision_of: Callable[..., Decision]) -> Decision:
    """The decision that the guide follows by hand."""
    message = msgspec.json.decode(block("message"), type=Message)
    profile = accepted_profile(msgspec.json.decode(block("profile"), type=CustomerChanged))
    contact = message.sender.contact
    event = UUID(int=1)
    arrival = Arrival(event=event, tenant="acme", contact=contact, message=message)
    customer = known_as(event, [profile])
    return decision_of(arrival, acme, customer=customer, contracts=contracts_of([profile]))


def test_the_decision_followed_by_hand_is_the_one_that_the_program_makes(
    followed: Decision,
) -> None:
    points = [part.points for part in followed.priority_parts]
    skills = [f"{need.skill} {need.level}" for need in followed.skills]

    def local(name: str) -> str:
        moment = getattr(followed, name).astimezone(TOKYO)
        return f"{moment:%Y-%m-%d %H:%M}"

    assert {name: value for name, (value,) in table("result").items()} == {
        "continuity": followed.continuity,
        "contract": followed.contract,
        "plan": followed.plan,
        "first response due": local("first_response_due"),
        "resolution due": local("resolution_due"),
        "priority": f"{followed.priority} = {' + '.join(str(number) for number in points)}",
        "queue": followed.queue,
        "skills": ", ".join(skills),
        "rank": local("rank"),
    }


def test_every_rule_and_part_that_the_guide_names_is_in_the_decision(followed: Decision) -> None:
    matched = [trial.rule for trial in followed.rules if trial.matched]
    assert matched == [
        "outage",
        "cancellation",
        "vip",
        "product-trouble",
        "short-messages",
        "japanese",
    ]
    assert [trial.contract for trial in followed.contracts if trial.accepted] == ["K-1"]


def test_the_guide_lists_every_field_and_every_function() -> None:
    listed = {field for cells in table("field") for field in re.findall(r"`(\w+\.\w+)`", cells)}
    assert listed == {f"{name}.{field}" for name, fields in FIELDS.items() for field in fields}
    assert all(f"`{function}`" in GUIDE for function in FUNCTIONS)


def test_the_guide_says_what_every_kind_of_message_does() -> None:
    opening, following, never = (
        frozenset(MessageKind(kind) for kind in re.findall(r"`(\w+)`", cells))
        for cells in table("kind")
    )
    assert (opening, following) == (OPENING, FOLLOWING)
    assert opening | following | never == set(MessageKind)
