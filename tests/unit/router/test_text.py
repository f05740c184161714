"""Words are found as people mean them, and the language is what the customer shows."""

from collections.abc import Callable

import pytest

from router.core.facts import Arrival, Customer
from router.core.language import language_of
from router.core.text import contains_word, folded
from router.core.urgency import urgent_words


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("ｶｲﾔｸしたい", "カイヤク"),
        ("ＡＳＡＰで", "asap"),
        ("Ｗｉ－Ｆｉが", "wi-fi"),
        ("㈱アクメ", "(株)"),
    ],
)
def test_width_and_case_make_no_other_word(text: str, word: str) -> None:
    assert contains_word(folded(text), folded(word))


@pytest.mark.parametrize(
    ("text", "word", "found"),
    [
        ("the plan", "plan", True),
        ("これplanです", "plan", True),
        ("plants", "plan", False),
        ("plants and a plan", "plan", True),
        ("解約したい", "解約", True),
        ("please call me back", "call me", True),
    ],
)
def test_a_latin_word_is_a_whole_word_and_a_japanese_one_needs_no_end(
    text: str, word: str, *, found: bool
) -> None:
    assert contains_word(text, word) is found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("至急お願いします", ("至急",)),
        ("大至急!何度も電話しました", ("大至急", "何度も")),
        ("ＡＳＡＰ please, this is unacceptable", ("asap", "unacceptable")),
        ("急ぎではありませんが、請求書をください", ()),
        ("お急ぎじゃないです", ()),
        ("It is not urgent. Download the file.", ()),
        ("いつもお世話になっております", ()),
    ],
)
def test_words_of_urgency_are_found_and_their_denial_is_not(
    text: str, words: tuple[str, ...]
) -> None:
    assert set(words) <= set(urgent_words()(text))
    assert bool(urgent_words()(text)) is bool(words)


def test_a_company_adds_its_own_words_of_urgency() -> None:
    assert urgent_words(["ラインが止まった"])("工場のラインが止まった") == ("ラインが止まった",)


@pytest.mark.parametrize(
    ("text", "said", "profile", "language"),
    [
        ("ルーターが動きません", None, None, "ja"),
        ("ﾙｰﾀｰ", None, "en", "ja"),
        ("My router is not working", None, "ja", "en"),
        ("解約希望", None, None, "ja"),
        ("OK", None, "pt_BR", "pt"),
        ("OK", None, None, "ja"),
        ("bonjour", "fr-CA", "ja", "fr"),
        (None, None, None, "ja"),
    ],
)
def test_the_language_is_what_the_channel_says_then_the_text_then_the_profile(
    written: Callable[..., Arrival],
    text: str | None,
    said: str | None,
    profile: str | None,
    language: str,
) -> None:
    message = written(text, language=said).message
    customer = Customer(customer=written().event, language=profile)
    assert language_of(message, customer, "ja") == language
