"""Words by which people stop, start again or ask for help."""

import pytest
from hypothesis import given, strategies as st

from common.core.events import MessageKind
from common.core.keywords import keyword_kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("STOP", MessageKind.OPT_OUT),
        (" stop! ", MessageKind.OPT_OUT),
        ("ＳＴＯＰ", MessageKind.OPT_OUT),
        ("Opt-Out", MessageKind.OPT_OUT),
        ("Arrêt", MessageKind.OPT_OUT),
        ("配信停止。", MessageKind.OPT_OUT),
        ("「停止」", MessageKind.OPT_OUT),
        ("【配信　停止】\n", MessageKind.OPT_OUT),
        ("stop all", MessageKind.OPT_OUT),
        ("opt\u2011out", MessageKind.OPT_OUT),
        ("配信停止希望", MessageKind.OPT_OUT),
        ("解除", MessageKind.OPT_OUT),
        ("ﾍﾙﾌﾟ", MessageKind.HELP),
        ("お問い合わせ", MessageKind.HELP),
        ("再開!", MessageKind.OPT_IN),
        ("ｽﾄｯﾌﾟ", MessageKind.OPT_OUT),
        ("start", MessageKind.OPT_IN),
        ("配信再開", MessageKind.OPT_IN),
        ("HELP?", MessageKind.HELP),
        ("使い方\n", MessageKind.HELP),
    ],
)
def test_a_whole_message_that_is_such_a_word_is_recognised(text: str, kind: MessageKind) -> None:
    assert keyword_kind(text) is kind


@pytest.mark.parametrize(
    "text",
    [
        "キャンセル",
        "stop please",
        "停止してください",
        "エアコンが停止",
        "解約",
        "",
        None,
        "!?",
        "「」",
        "stop" * 20,
    ],
)
def test_anything_else_is_a_message(text: str | None) -> None:
    assert keyword_kind(text) is MessageKind.MESSAGE


@given(st.text(st.characters(codec=None, categories=None)))
def test_no_text_breaks_it(text: str) -> None:
    assert keyword_kind(text) in MessageKind
