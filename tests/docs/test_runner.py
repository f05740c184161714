"""The runner of the documents notices what a reader would stumble over."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.docs.blocks import blocks, spans, steps
from tests.docs.commands import parted, wrong_with
from tests.docs.outputs import unsaid
from tests.docs.shell import FailedError, Terminal

from local_stack.settings import environment_with

Follow = Callable[[str], list[str]]


@pytest.fixture
def follow(tmp_path: Path) -> Iterator[Follow]:
    """Run a page without a stack; return what its blocks print."""
    (tmp_path / ".local").mkdir()
    terminal = Terminal(tmp_path, environment_with({}))

    def run(page: str) -> list[str]:
        return [terminal.run(step, step.commands) for step in steps(blocks("page.md", page))]

    yield run
    terminal.close()


def test_what_one_block_sets_is_there_for_the_next(follow: Follow) -> None:
    page = '```sh\nNAME=花子\nhail() { echo "$NAME 様"; }\n```\n\n   ```sh\n   hail\n   ```\n'
    assert follow(page) == ["", "花子 様\n"]


@pytest.mark.parametrize("commands", ["false\ntrue", "false | cat", "NAME=$(false)", "nowhere"])
def test_a_command_that_fails_is_named_by_page_and_line(follow: Follow, commands: str) -> None:
    with pytest.raises(FailedError, match=r"page\.md:3 failed"):
        follow(f"Do this:\n\n```sh\n{commands}\n```\n")


def test_an_output_that_is_not_the_one_shown_is_a_failure(follow: Follow) -> None:
    page = "```sh\necho 42\n```\n\n```text output\n{}\n```\n"
    follow(page.format(42))
    with pytest.raises(FailedError, match=r"page\.md:1 does not print\n43"):
        follow(page.format(43))


def test_a_question_is_asked_again_until_it_is_answered_as_shown(follow: Follow) -> None:
    late = "n=$(cat n || true); echo x$n > n; cat n"
    assert follow(f"```sh look\n{late}\n```\n\n```text output\nxxx\n```\n")[0].startswith("xxx")


def test_a_stream_shows_what_is_caused_beside_it_and_is_ended_then(follow: Follow) -> None:
    stream = "```sh stream\necho begun; tail -F news\n```\n\n```text output\nbegun\n```\n\n"
    beside = "```sh beside\necho 到着 >> news\n```\n\n```text output\n到着\n```\n\n"
    assert follow(stream + beside + "```sh\necho after; jobs -r\n```\n")[2] == "after\n"


def test_a_session_with_prompts_is_commands_and_their_output(follow: Follow) -> None:
    follow("```console\n$ echo 一\n一\n$ echo 二\n二\n```\n")
    with pytest.raises(FailedError):
        follow("```console\n$ echo 一\n二\n```\n")


def test_what_changes_from_run_to_run_is_not_compared() -> None:
    shown = '"at": "2026-11-24T02:40:00Z", "id": "7c1b1d8e-7c55-5a37-8d3f-5f0a3e0a8b21"'
    said = '  "at": "2027-01-01T00:00:00.123Z",   "id": "c9e4a0d2-1f3b-5c6d-a7e8-90b1c2d3e4f5"'
    assert unsaid(shown, said) is None
    assert unsaid('"n": 1', '"n": 2') == '"n": 1'


def test_lines_are_looked_for_in_their_order_and_dots_stand_for_anything() -> None:
    said = "queue technical\nplan standard\npriority 100"
    assert unsaid("queue …\n…\npriority 1…", said) is None
    assert unsaid("priority 100\nqueue technical", said) == "queue technical"


def test_what_is_not_run_is_taken_out_with_its_continued_lines() -> None:
    [step] = steps(
        blocks("page.md", "```sh\necho 1\nhelm install x \\\n  --values y\necho 2\n```\n")
    )
    assert parted(step) == ("echo 1\necho 2\n", ["helm install x --values y"])


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ("make nonsense", ["no make target nonsense"]),
        ("make -s token SUBJECT=tanaka", []),
        ("python -m nowhere serve", ["no module nowhere"]),
        ("python -m router rules check FILE --strict", []),
        (".venv/bin/python -m router rules undo", ["python -m router rules has no command undo"]),
        ("python -m timeline share X --for acme", ["python -m timeline share has no option --for"]),
    ],
)
def test_a_command_must_exist_with_its_options(command: str, wrong: list[str]) -> None:
    assert wrong_with(command) == wrong


def test_code_in_the_text_is_found_and_code_in_blocks_is_not() -> None:
    text = "Run `make up`.\n\n```sh\necho `make down`\n```\n"
    assert list(spans(text)) == ["make up"]
