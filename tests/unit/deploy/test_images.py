"""An image holds what its lock names, under licences that bind nobody, and nothing that is never asked for."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from images.sbom import (
    Component,
    complaints,
    completed,
    locked_versions,
    system_packages,
    with_licence,
)
from images.shrink import loaded_part, shrink, weight

LOCK = """\
aiokafka==0.14.0 \\
    --hash=sha256:aa
cffi==2.1.1 ; platform_python_implementation != 'PyPy' \\
    --hash=sha256:bb
"""
STATUS = """\
Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.41-12
Description: GNU C Library
 Shared libraries

Package: perl
Status: deinstall ok config-files
Architecture: amd64
Version: 5.40.1-6

Package: tzdata
Status: install ok installed
Architecture: all
Version: 2025b-4+deb13u1
"""


def package(name: str, version: str, *licences: str) -> Component:
    return {
        "type": "library",
        "name": name,
        "version": version,
        "bom-ref": f"{name}=={version}",
        "licenses": [{"license": {"name": licence}} for licence in licences],
    }


def test_what_the_lock_names_and_our_own_packages_may_be_in_an_image() -> None:
    found = [
        package("aiokafka", "0.14.0", "Apache-2.0"),
        package("madoguchi_common", "0.1.0", "Apache-2.0"),
    ]

    assert complaints(found, locked_versions(LOCK)) == []


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (package("aiokafka", "0.13.0", "Apache-2.0"), "is not what the lock names (0.14.0)"),
        (package("pip", "25.0", "MIT"), "is not what the lock names (None)"),
        (package("cffi", "2.1.1"), "says no licence"),
        (package("cffi", "2.1.1", "GPL-3.0-or-later"), "binds our users"),
        (package("cffi", "2.1.1", "MIT OR AGPL-3.0-only"), "binds our users"),
        (package("cffi", "2.1.1", "GNU Affero General Public License v3"), "binds our users"),
    ],
)
def test_a_build_fails_at_what_must_not_be_in_an_image(found: Component, said: str) -> None:
    (complaint,) = complaints([found], locked_versions(LOCK))

    assert said in complaint


def test_the_lesser_licence_and_mozillas_bind_nobody_who_only_runs_it() -> None:
    found = [package("cffi", "2.1.1", "LGPL-2.1-or-later", "MPL-2.0")]

    assert complaints(found, locked_versions(LOCK)) == []


def test_a_licence_that_only_a_packages_files_say_is_written_into_the_list() -> None:
    said = with_licence(package("IMAPClient", "4.1.0"))["licenses"]

    assert said == [{"license": {"id": "BSD-3-Clause"}}]


def test_the_systems_packages_are_those_that_dpkg_counts_as_installed() -> None:
    assert [part["purl"] for part in system_packages(STATUS)] == [
        "pkg:deb/debian/libc6@2.41-12?arch=amd64",
        "pkg:deb/debian/tzdata@2025b-4%2Bdeb13u1?arch=all",
    ]


def test_the_same_parts_make_the_same_list_in_whatever_order_they_were_found() -> None:
    parts = [package("cffi", "2.1.1", "MIT"), package("aiokafka", "0.14.0", "Apache-2.0")]
    image: Component = {"type": "container", "name": "madoguchi/router"}
    others = system_packages(STATUS)

    one = completed({"components": parts, "metadata": {"timestamp": "now"}}, image, others)
    other = completed({"components": parts[::-1]}, image, others[::-1])

    assert one == other
    told = json.loads(one)
    assert told["metadata"] == {"component": image}
    assert [part["name"] for part in told["components"]] == ["aiokafka", "cffi", "libc6", "tzdata"]


def test_a_library_without_what_is_never_loaded_works_as_before(tmp_path: Path) -> None:
    found = importlib.util.find_spec("uvloop.loop")
    assert found
    assert found.origin
    whole = Path(found.origin).read_bytes()
    library = tmp_path / Path(found.origin).name
    library.write_bytes(loaded_part(whole))
    load = (
        "import importlib.util as u, sys; s = u.spec_from_file_location('uvloop.loop', sys.argv[1]);"
        "m = u.module_from_spec(s); s.loader.exec_module(m); print(m.Loop)"
    )

    command = [sys.executable, "-c", load, str(library)]
    said = subprocess.check_output(command, text=True)  # noqa: S603 -- Python, told by this test

    assert said == "<class 'uvloop.loop.Loop'>\n"
    assert library.stat().st_size < len(whole)


def test_what_is_no_library_of_this_kind_is_left_as_it_is() -> None:
    assert loaded_part(b"#!/bin/sh\n") == b"#!/bin/sh\n"
    assert loaded_part(b"\x7fELF\x01\x01 of 32 bits") == b"\x7fELF\x01\x01 of 32 bits"


def test_grammars_tests_and_sources_go_and_what_is_imported_stays(tmp_path: Path) -> None:
    gone = [
        "phonenumbers/geodata/data0.py",
        "pygments/lexers/matlab.py",
        "greenlet/tests/test_greenlet.py",
        "uvloop/loop.pyx",
        "lxml/includes/etree_defs.h",
        "google/api/http_pb2.py",
        "wcwidth/table_grapheme_overrides/_known_058c7585.py",
    ]
    kept = [
        "phonenumbers/data/region_JP.py",
        "phonenumbers/shortdata/region_JP.py",
        "google/protobuf/message.py",
        "wcwidth/table_grapheme_overrides/__init__.py",
        "google/_upb/_message.abi3.so",
        "pygments/lexers/__init__.py",
        "pygments/lexers/_mapping.py",
        "pygments/lexers/python.py",
        "greenlet-3.5.6.dist-info/licenses/LICENSE",
        "router/migrations/versions/0001_first.py",
    ]
    for name in (*gone, *kept):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")

    shrink(tmp_path)

    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == set(kept)
    assert weight(tmp_path) == len(kept)
