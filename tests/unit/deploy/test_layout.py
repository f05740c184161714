"""A stack's ports: the usual ones, but for what its folder says."""

from pathlib import Path

import pytest

from local_stack.errors import StackError
from local_stack.layout import Ports


def test_a_stack_without_a_file_has_the_usual_ports(tmp_path: Path) -> None:
    assert Ports.of(tmp_path) == Ports()


def test_a_file_moves_the_ports_that_it_names_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text('{"router": 9104, "kafka": 39092}')
    ports = Ports.of(tmp_path)
    assert (ports.services["router"], ports.kafka) == (9104, 39092)
    assert (ports.services["timeline"], ports.postgres) == (8105, 25432)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            '{"routr": 9104}',
            r"ports.json names routr; known: controller, ingest_email, .*, timeline",
        ),
        ('{"router": "9104"}', "should be like"),
        ("[9104]", "should be like"),
        ("router: 9104", "is no JSON"),
    ],
)
def test_a_file_with_a_mistake_is_refused_in_a_sentence(
    tmp_path: Path, text: str, complaint: str
) -> None:
    (tmp_path / "ports.json").write_text(text)
    with pytest.raises(StackError, match=complaint):
        Ports.of(tmp_path)
