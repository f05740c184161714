"""Skills: what the answering agent must be able to do, at which level, and who asks for it."""

from collections.abc import Iterable, Mapping
from typing import Final

from common.core.cases import SkillRequirement

HIGHEST_LEVEL: Final = 5
ATTRIBUTE: Final = "skill."  # a message of our own apps may say `skill.english: "3"`


def strictest(requirements: Iterable[SkillRequirement]) -> tuple[SkillRequirement, ...]:
    """Return one requirement a skill, the highest level of each; the first named wins a tie."""
    highest: dict[str, SkillRequirement] = {}
    for requirement in requirements:
        known = highest.get(requirement.skill)
        if known is None or requirement.level > known.level:
            highest[requirement.skill] = requirement
    return tuple(highest.values())


def asked(levels: Mapping[str, int], reason: str) -> tuple[SkillRequirement, ...]:
    """Return the requirements of one source: a rule, a contract, a queue."""
    return tuple(SkillRequirement(skill, level, reason) for skill, level in levels.items())


def in_attributes(attributes: Mapping[str, str]) -> dict[str, int]:
    """Return the skills that a message names itself; what is no level is left out."""
    return {
        name.removeprefix(ATTRIBUTE): int(level)
        for name, level in attributes.items()
        if name.startswith(ATTRIBUTE) and level in {"1", "2", "3", "4", "5"}
    }


def known_only(levels: Mapping[str, int], skills: Mapping[str, str]) -> dict[str, int]:
    """Return the levels of skills that the rules know, cut to 1-5: nobody could meet the others."""
    return {
        skill: min(max(level, 1), HIGHEST_LEVEL)
        for skill, level in levels.items()
        if skill in skills
    }


def qualifies(profile: Mapping[str, int], requirements: Iterable[SkillRequirement]) -> bool:
    """Whether somebody with these skills meets every requirement."""
    return all(profile.get(need.skill, 0) >= need.level for need in requirements)
