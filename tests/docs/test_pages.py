"""Whatever the documents tell a reader to type does what they say, on a stack of his own."""

from collections.abc import Iterator

import pytest
from tests.docs.blocks import PROMPT, SHELLS, blocks, pages, spans, steps
from tests.docs.commands import parted, wrong_with
from tests.docs.conftest import Clone
from tests.docs.outputs import unsaid
from tests.docs.shell import Terminal

from local_stack.layout import ROOT

pytestmark = pytest.mark.xdist_group("docs")

TEXTS = {page: (ROOT / page).read_text("utf-8") for page in pages()}
COMMANDS = [page for page, text in TEXTS.items() if list(steps(blocks(page, text)))]
PROGRAMS = ("curl ", "make ", "python", ".venv/", "helm ", "kubectl ", "docker ", "$ ")


# A terminal as it looked when something was wrong: shown, and not to be had again at will.
SHOWN = "session"
# Pages whose commands would spoil the stack of the others, and why.
APART = {"docs/compose.md": "it makes secrets of its own"}


@pytest.fixture
def reader(page: str, request: pytest.FixtureRequest) -> Clone:
    """Where the reader of a page is."""
    found: Clone = request.getfixturevalue("apart" if page in APART else "clone")
    return found


@pytest.fixture
def terminal(reader: Clone) -> Iterator[Terminal]:
    opened = Terminal(reader.folder, reader.environment)
    yield opened
    opened.close()


@pytest.mark.parametrize("page", COMMANDS)
def test_a_page_can_be_followed_from_its_top_to_its_end(
    page: str, reader: Clone, terminal: Terminal
) -> None:
    found = blocks(page, TEXTS[page])
    for block in found:
        if block.words and "." in block.words[0]:  # it is named like the file that it is
            (reader.folder / block.words[0]).write_text(block.text)
    for step in steps(found):
        commands, left = parted(step)
        assert not [wrong for line in left for wrong in wrong_with(line)], step.where
        if commands.strip() == "make demo":
            assert unsaid(step.output or "", reader.demo) is None, f"{step.where}: {reader.demo}"
        elif commands.strip():
            terminal.run(step, reader.addressed(commands))


@pytest.mark.parametrize("page", TEXTS)
def test_commands_in_the_running_text_name_what_there_is(page: str) -> None:
    assert [wrong for span in spans(TEXTS[page]) for wrong in wrong_with(span)] == []


@pytest.mark.parametrize("page", TEXTS)
def test_what_somebody_typed_in_a_session_that_is_shown_could_be_typed(page: str) -> None:
    shown = [block.text for block in blocks(page, TEXTS[page]) if block.language == SHOWN]
    typed = [
        line.removeprefix(PROMPT)
        for text in shown
        for line in text.splitlines()
        if PROMPT in line[:2]
    ]
    assert [wrong for line in typed for wrong in wrong_with(line)] == []


@pytest.mark.parametrize("page", TEXTS)
def test_no_command_hides_in_a_block_that_is_not_run(page: str) -> None:
    hidden = [
        block.where
        for block in blocks(page, TEXTS[page])
        if block.language not in (*SHELLS, SHOWN) and not block.is_output
        if any(line.startswith(PROGRAMS) for line in block.text.splitlines())
    ]
    indented = [
        line
        for line in TEXTS[page].splitlines()
        if line.startswith(tuple(f"    {name}" for name in PROGRAMS))
    ]
    assert (hidden, indented) == ([], [])
