"""What the documents hold: fenced blocks, and commands in the running text."""

import re
import textwrap
from collections.abc import Iterator
from itertools import pairwise

from msgspec import Struct

from local_stack.layout import ROOT

PAGES = ("README.md", "docs/getting-started.md", "CONTRIBUTING.md")  # first, in this order
SHELLS = ("sh", "bash", "console")
PROMPT = "$ "
LOOK, STREAM, BESIDE, OUTPUT = "look", "stream", "beside", "output"

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<info>[^`\n]*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
_SPAN = re.compile(r"`([^`\n]+)`")


class Block(Struct, frozen=True):
    """A fenced block. `words` stand behind its language; readers of the page do not see them."""

    page: str
    line: int
    language: str
    words: tuple[str, ...]
    text: str

    @property
    def where(self) -> str:
        """Return page and line, as editors open them."""
        return f"{self.page}:{self.line}"

    @property
    def is_output(self) -> bool:
        """Tell whether it shows what the commands before it print."""
        return OUTPUT in self.words


class Step(Struct, frozen=True):
    """Commands as a reader types them, and what the page says that they print."""

    block: Block
    commands: str
    output: str | None

    @property
    def where(self) -> str:
        return self.block.where

    @property
    def looks(self) -> bool:
        """Tell whether it only asks, and is asked again while what was written is on its way."""
        return LOOK in self.block.words

    @property
    def streams(self) -> bool:
        """Tell whether it goes on until the reader ends it: after what is typed beside it."""
        return STREAM in self.block.words

    @property
    def is_beside(self) -> bool:
        """Tell whether it is typed in a second terminal; the stream in the first one shows the output."""
        return BESIDE in self.block.words


def pages() -> list[str]:
    """Return every page, those that a newcomer reads first in front."""
    found = {str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("**/*.md")}
    return [page for page in PAGES if (ROOT / page).exists()] + sorted(found - set(PAGES))


def blocks(page: str, text: str) -> list[Block]:
    """Return the fenced blocks of a page, without the indentation of lists."""
    return [
        Block(
            page,
            text.count("\n", 0, fence.start()) + 1,
            *_named(fence["info"].split()),
            textwrap.dedent(fence["text"]),
        )
        for fence in _FENCE.finditer(text)
    ]


def steps(found: list[Block]) -> Iterator[Step]:
    """Yield the blocks with commands, each with its output where the page shows one."""
    for block, after in pairwise([*found, None]):
        if block is None or block.language not in SHELLS:
            continue
        if block.language == "console":
            lines = block.text.splitlines()
            commands = [line.removeprefix(PROMPT) for line in lines if line.startswith(PROMPT)]
            said = [line for line in lines if not line.startswith(PROMPT)]
            yield Step(block, "\n".join(commands), "\n".join(said) or None)
        else:
            yield Step(block, block.text, after.text if after and after.is_output else None)


def spans(text: str) -> Iterator[str]:
    """Yield the code in the running text."""
    yield from _SPAN.findall(_FENCE.sub("", text))


def _named(info: list[str]) -> tuple[str, tuple[str, ...]]:
    return (info[0] if info else "", tuple(info[1:]))
