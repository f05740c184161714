"""A word of a provider's that our code knows stands in one of its samples: nothing is read untried.

The words are the keys of the tables in `core/<provider>/`; whoever adds one adds a sample.
"""

import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote_plus

import pytest
from tests.samples.golden import FOLDER

import ingest_sms.core
import ingest_social.core

CORES = {"sms": ingest_sms.core, "social": ingest_social.core}
# Where a module's samples lie, if not under its package's name; the longest name counts.
PROVIDERS = {
    "aws": ("aws-sms",),
    "sinch.sms": ("sinch-sms",),
    "sinch.conversation": ("sinch-conversation",),
    "vonage.sms": ("vonage-sms",),
    "vonage": ("vonage-messages",),
    "meta.whatsapp": ("whatsapp",),
    "meta": ("messenger", "instagram"),
}
# Tables whose keys are no words that a sample could hold.
OTHER_TABLES = frozenset(
    (
        "line.contents._FRAME",  # left out of what is told
        "sinch.conversation._FRAME",
        "twilio.parser.ANSWERS",  # ours
        "twilio.parser.TWILIO_ANSWERS",
        "twilio.parser._RECEIVED",  # spellings of one
        "twilio.signature._ALGORITHMS",  # headers and URLs: test_twilio.py
        "twilio.signature._DEFAULT_PORT",
        "vonage.parts._COUNTS",  # numbers
        "vonage.sms_signature.METHODS",  # the account's: test_provider_vectors.py
        "x.parser._READERS",  # ours
        "x.posts._CHARACTERS",  # test_x.py
    )
)


def tables() -> Iterator[tuple[str, str, frozenset[str]]]:
    """Yield channel, name and words of every table in a provider's code."""
    for channel, core in CORES.items():
        for module in modules(core):
            place = module.__name__.removeprefix(f"{core.__name__}.")
            for name, table in vars(module).items():
                counts = "." in place and f"{place}.{name}" not in OTHER_TABLES
                if counts and name.isupper() and (words := words_of(table)):
                    yield channel, f"{place}.{name}", words


def modules(core: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(core.__path__, f"{core.__name__}."):
        yield importlib.import_module(found.name)


def words_of(table: object) -> frozenset[str]:
    listed = table if isinstance(table, Mapping | frozenset | tuple) else ()
    return frozenset(word for word in listed if isinstance(word, str))


def providers(place: str) -> tuple[str, ...]:
    known = [prefix for prefix in PROVIDERS if place.startswith(prefix)]
    return PROVIDERS[max(known, key=len)] if known else (place.partition(".")[0],)


def stands(word: str, text: str) -> bool:
    """Whether the text holds the word by itself: `message` does not stand in `edited_message`."""
    ends = r"(?:_[sm]ms)?(?![\w.-])"  # Sinch writes for which kind of message a report is
    return bool(re.search(rf"(?<![\w.-]){re.escape(word.casefold())}{ends}", text))


def said(sample: Path) -> str:
    octets = sample.read_bytes().decode("utf-8", "replace")
    return unquote_plus(octets).casefold() if sample.suffix == ".form" else octets.casefold()


TABLES = {place: (channel, words) for channel, place, words in tables()}


@pytest.mark.parametrize("place", TABLES)
def test_every_word_that_is_read_stands_in_a_sample(place: str) -> None:
    channel, words = TABLES[place]
    folders = [FOLDER / channel / provider for provider in providers(place)]
    samples = [path for folder in folders for path in folder.glob("*") if is_sample(path)]
    told = "\n".join(map(said, samples))
    assert not {word for word in words if not stands(word, told)}


def is_sample(path: Path) -> bool:
    return not path.name.endswith(".expected.json")
