"""Commands that are checked and not run, each with its reason; and what checking them means."""

import importlib.util
import re
import shlex
from importlib import import_module
from typing import Any

import typer
from tests.docs.blocks import Step

from local_stack.layout import ROOT

# The beginning of a line: why it is not run. Whatever else stands in a block is.
NOT_RUN = {
    "python -m router simulate --rules deploy/local/rules.yaml --load": "half a minute of processor",
    "git clone": "the repository is here",
    "make install": "it would change .venv while tests run from it",
    "make lock": "it asks a registry",
    "make test": "these tests are part of it",
    "make check": "the whole of it is a step of .ci/run",
    "make bench": "minutes, and it wants the machine for itself",
    "make chaos": "minutes; the suite has short forms",
    "make outage": "minutes; the suite has a short form",
    "make identity-load": "minutes; the suite has a short form",
    "make theory": "minutes; the suite has a short form",
    "make rolling": "minutes; the suite has a short form",
    "make restore-rehearsal": "minutes; the suite has a short form",
    "make upgrade-check": "it installs a release of before",
    "make kubernetes": "it wants an API server",
    "make promtool": "it asks a registry",
    "make fuzz": "minutes, and it wants atheris; the suite replays what it found",
    "make images": "it wants a Docker engine and the network",
    "make logs": "it follows the logs for ever",
    "make down": "the tests run it once, in the end",
    "make clean": "it would delete build/, which others use",
    "docker ": "it wants a Docker engine",
    "MADOGUCHI_STACK=images": "it wants a Docker engine and the network",
    "helm ": "it wants a cluster; `make check` renders and validates the chart",
    "kubectl ": "it wants a cluster",
    "uv pip install": "it asks a registry",
    "sudo ": "it changes the machine",
    "apt-get ": "it changes the machine",
}
TYPER_MODULES = ("common", "ingest_email", "ingest_sms", "ingest_social", "router", "timeline")

# What `typer.main.get_command` returns: a click of Typer's own, which it gives no public name.
Program = Any

_JOINED = re.compile(r"\s*\\\n\s*")
_TARGETS = frozenset(
    re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
)
_MAKE = re.compile(r"\bmake (?:-s )?((?:[a-z][a-z-]*\b(?!=) ?)+)")
_MODULE = re.compile(r"(?:^|[ /(])python3? -m ([a-z_.]+)((?: [^\s`|;&)]+)*)")


def parted(step: Step) -> tuple[str, list[str]]:
    """Return what of a block is run, and the lines that are only checked."""
    lines = _JOINED.sub(" ", step.commands).splitlines(keepends=True)
    left = [line.strip() for line in lines if is_not_run(line)]
    kept = step.commands if not left else "".join(line for line in lines if not is_not_run(line))
    return kept, left


def is_not_run(line: str) -> bool:
    """Tell whether a line is one of the closed list."""
    return line.strip().startswith(tuple(NOT_RUN))


def wrong_with(command: str) -> list[str]:
    """Return what does not exist of what a command names: targets, modules, subcommands, options."""
    found = [
        f"no make target {target}"
        for targets in _MAKE.findall(command)
        for target in targets.split()[:1]
        if target not in _TARGETS
    ]
    for module, rest in _MODULE.findall(command):
        found += _wrong_with_module(module, shlex.split(rest, comments=True))
    return found


def _wrong_with_module(module: str, words: list[str]) -> list[str]:
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        spec = None
    if spec is None:
        return [f"no module {module}"]
    program = _program(module, is_package=spec.submodule_search_locations is not None)
    return _wrong_words(program, words, f"python -m {module}") if program else []


def _program(module: str, *, is_package: bool) -> Program | None:
    """Return the command line of one of our own programs, or None of one that is no Typer's."""
    if module.split(".", maxsplit=1)[0] not in TYPER_MODULES:
        return None
    app = getattr(import_module(f"{module}.__main__" if is_package else module), "app", None)
    return typer.main.get_command(app) if isinstance(app, typer.Typer) else None


def _wrong_words(program: Program, words: list[str], so_far: str) -> list[str]:
    """Follow subcommands as far as they go; what comes then are options and arguments."""
    subcommands: dict[str, Program] = getattr(program, "commands", {})
    if subcommands and words and not words[0].startswith("-"):
        first, *rest = words
        if first not in subcommands:
            return [f"{so_far} has no command {first}"]
        return _wrong_words(subcommands[first], rest, f"{so_far} {first}")
    known = {name for one in program.params for name in (*one.opts, *one.secondary_opts)}
    options = [word.split("=", maxsplit=1)[0] for word in words if word.startswith("--")]
    return [f"{so_far} has no option {one}" for one in options if one not in known | {"--help"}]
