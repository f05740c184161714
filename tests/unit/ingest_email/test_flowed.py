from hypothesis import given, strategies as st

from ingest_email.core.flowed import unwrap


def test_soft_breaks_join_and_hard_breaks_stay() -> None:
    assert unwrap("one \ntwo\nthree", delete_space=False) == "one two\nthree"


def test_japanese_joins_without_a_blank() -> None:
    assert unwrap("お世話に \nなって \nおります。", delete_space=True) == "お世話になっております。"


def test_quoted_paragraphs_join_within_their_depth_only() -> None:
    text = "> a \n> b\n>> c \n> d\ne"
    assert unwrap(text, delete_space=False) == "> a b\n>> c \n> d\ne"


def test_the_signature_mark_is_no_soft_break() -> None:
    assert unwrap("bye \n-- \nTaro", delete_space=False) == "bye \n-- \nTaro"


def test_stuffed_lines_are_unstuffed() -> None:
    assert unwrap(" > no quote\n From here", delete_space=False) == "> no quote\nFrom here"


def test_a_text_that_ends_softly_is_kept() -> None:
    assert unwrap("a \nb ", delete_space=False) == "a b "


@given(
    st.lists(
        st.text(st.characters(exclude_characters="\n\r >"), min_size=1).map(str.strip).filter(bool)
    )
)
def test_hard_lines_are_left_alone(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert unwrap(text, delete_space=True) == text
