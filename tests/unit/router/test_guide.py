"""docs/routing.md tells the truth: its numbers are computed again, its tables are complete."""

import re
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
import yaml

from common.core.cases import Decision
from common.core.events import CustomerChanged, Message, MessageKind
from router.core.acceptance import accepted_profile
from router.core.changes import COSTS
from router.core.conditions import FIELDS, FUNCTIONS
from router.core.continuity import FOLLOWING, OPENING
from router.core.counterfactual import instead
from router.core.customers import contracts_of, known_as
from router.core.facts import Arrival
from router.core.inputs import inputs_of
from router.core.loading import load
from router.core.policy import Policy
from router.core.why_words import answer_said
from router.core.worlds import World, decision_in

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "routing.md").read_text("utf-8")
LOCAL = ROOT / "deploy" / "local"
TOKYO = ZoneInfo("Asia/Tokyo")


def block(kind: str) -> bytes:
    found = re.search(rf"```json {kind}\n(.*?)```", GUIDE, re.DOTALL)
    assert found is not None
    return found[1].encode()


def table(heading: str) -> dict[str, list[str]]:
    lines = GUIDE[GUIDE.index(f"| {heading} |") :].split("\n\n", 1)[0].splitlines()[2:]
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return {first: rest for first, *rest in cells}


def world_of_guide(policy: Policy) -> World:
    """Return what the decision that the guide follows by hand is made from."""
    message = msgspec.json.decode(block("message.json"), type=Message)
    profile = accepted_profile(msgspec.json.decode(block("profile.json"), type=CustomerChanged))
    contact = message.sender.contact
    event = UUID(int=1)
    arrival = Arrival(event=event, tenant="acme", contact=contact, message=message)
    customer = known_as(event, [profile])
    contracts, now = contracts_of([profile]), message.received_at
    return World(inputs_of(arrival, customer, contracts, None, None, policy, now), None, policy)


@pytest.fixture
def followed(acme: Policy) -> Decision:
    """The decision that the guide follows by hand."""
    decision = decision_in(world_of_guide(acme))
    assert decision is not None
    return decision


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


EXAMPLES = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=map(str, range(len(EXAMPLES))))
def test_every_example_of_a_section_fits_the_local_stacks_rules(example: str) -> None:
    whole = yaml.safe_load((LOCAL / "rules.yaml").read_bytes())
    part = yaml.safe_load(example)
    if isinstance(part, list):
        part = {"rules": part}
    for section, entries in part.items():
        known = whole.setdefault(section, type(entries)())
        whole[section] = entries if isinstance(entries, list) else {**known, **entries}
    load(yaml.safe_dump(whole, allow_unicode=True).encode())


def test_the_answer_to_why_not_is_the_programs(acme: Policy) -> None:
    told = re.search(r"```text output why-vip\n(.*?)```", GUIDE, re.DOTALL)
    assert told is not None
    lines = re.findall(r"^ +(\d+) +(.*)$", told[1], re.MULTILINE)
    found = instead(world_of_guide(acme), "vip")
    assert [(str(one.cost), answer_said(one, "ja")) for one in found.answers] == lines


def test_the_guide_lists_what_each_change_costs() -> None:
    costs = {int(cell) for (cell,) in table("change").values() if cell.isdigit()}
    assert costs == set(COSTS.values())
