"""The lock's check notices every way in which the lock and the pyproject files can part."""

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from checks.lock import (
    named_in,
    not_a_part,
    parse_lock,
    reached,
    unhashed,
    uninstalled,
    unmet,
    unwanted,
)

LOCK = """\
aiokafka==0.14.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:cc
typing-extensions==4.15.0
"""


def test_a_lock_is_read_with_markers_and_hashes() -> None:
    pins = parse_lock(LOCK)

    assert [(pin.name, pin.version, pin.hashes) for pin in pins] == [
        ("aiokafka", "0.14.0", 2),
        ("colorama", "0.4.6", 1),
        ("typing-extensions", "4.15.0", 0),
    ]


def test_a_package_for_another_system_need_not_be_installed() -> None:
    assert [pin.applies_here for pin in parse_lock(LOCK)] == [True, False, True]


def test_dependencies_are_those_of_the_project_and_its_groups_without_our_own() -> None:
    pyproject = {
        "project": {"dependencies": ["madoguchi-common", "aiokafka>=0.14"]},
        "dependency-groups": {"dev": ["pytest>=9"]},
    }

    assert [str(item) for item in named_in(pyproject)] == ["aiokafka>=0.14", "pytest>=9"]


@pytest.mark.parametrize(
    ("named", "complaints"),
    [
        ("aiokafka>=0.14,<0.15", []),
        ("AIOKafka", []),
        ("aiokafka>=0.15", ["aiokafka>=0.15 is locked at 0.14.0"]),
        ("uvloop", ["uvloop is not in the lock"]),
    ],
)
def test_what_a_pyproject_names_must_be_locked(named: str, complaints: list[str]) -> None:
    locked = {pin.name: pin.version for pin in parse_lock(LOCK)}

    assert unmet([Requirement(named)], locked) == complaints


def test_what_is_locked_must_be_installed_at_that_version() -> None:
    installed = {canonicalize_name("aiokafka"): "0.13.0"}

    assert uninstalled(parse_lock(LOCK), installed) == [
        "aiokafka 0.14.0 is locked and 0.13.0 is installed",
        "typing-extensions 4.15.0 is locked and nothing is installed",
    ]


def test_what_nobody_needs_is_not_locked() -> None:
    needs = {canonicalize_name("aiokafka"): [Requirement("typing_extensions>=4")]}

    assert unwanted(parse_lock(LOCK), reached([Requirement("aiokafka")], needs)) == [
        "colorama is locked and nobody needs it"
    ]


def test_a_pin_without_a_hash_is_refused() -> None:
    assert unhashed(parse_lock(LOCK)) == ["typing-extensions is locked without a hash"]


def test_a_services_lock_holds_nothing_that_the_whole_lock_has_not_just_so() -> None:
    part, _, _ = LOCK.partition("colorama")
    assert not_a_part("router", part, LOCK) == []
    assert not_a_part("router", part.replace("sha256:bb", "sha256:zz"), LOCK) == [
        "router: aiokafka==0.14.0 is not so in the whole lock"
    ]
