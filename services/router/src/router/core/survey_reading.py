"""Whether a message is wholly an answer to a question, read strictly: else it is a message like others.

What counts is the whole text in its NFKC form. More than the answer is a comment only where the text
begins by naming what it gives, as in "NPS 8 とても良い"; "5台壊れました" is no answer.
"""

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import parse_qs

from msgspec import Struct

from common.core.events import Direction, Message, MessageKind
from common.core.surveys import SCALES, Question

LONGEST = 1100  # characters: a comment of a page is a letter
READ = frozenset({MessageKind.MESSAGE, MessageKind.POSTBACK, MessageKind.OPT_IN})  # YES opts in

_YES = "はい ハイ yes y うん 満足 満足です 満足しました 大変満足 とても満足 良かった よかった 良かったです よかったです 👍 😊 😀 🙂 ok"
_NEUTRAL = "どちらでもない どちらでもないです どちらともいえない どちらとも言えない 普通 普通です ふつう まあまあ neutral 😐"
_NO = "いいえ いえ no n 不満 不満です 不満足 大変不満 とても不満 悪かった 悪かったです 👎 😞 😠 🙁"
_LABELS = {
    5: "大変満足 とても満足 非常に満足",
    4: "満足 やや満足",
    3: "普通 ふつう どちらともいえない どちらでもない",
    2: "不満 やや不満",
    1: "大変不満 とても不満 非常に不満",
}


def _scores(words: Mapping[int, str]) -> Mapping[str, int]:
    return MappingProxyType({word: score for score, said in words.items() for word in said.split()})


_WORDS: Mapping[Question, Mapping[str, int]] = MappingProxyType(
    {
        Question.CSAT3: _scores({1: _YES, 0: _NEUTRAL, -1: _NO}),
        Question.CSAT5: _scores(_LABELS),
        Question.NPS: MappingProxyType({}),
        Question.TEXT: MappingProxyType({}),
    }
)
_STARS = re.compile(r"[★⭐]{1,5}☆{0,4}")
_SKIN = re.compile("[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")  # of an emoji, and how it is drawn
_AROUND = " \t\r\n。、.,!「」『』()[]\"'"
_NUMBER = re.compile(r"(\d{1,2})\s*(?:点|/\s*(\d{1,2}))?\s*(?:です)?")
_NAMED = re.compile(
    r"(?:nps|csat|評価|点数|満足度|score|rating)\s*[:=]?\s*(\S+?)(?:(?:\s+|\s*[、。,:])(.*))?",
    re.DOTALL | re.IGNORECASE,
)
_OPINION = re.compile(
    r"(?:ご意見|意見|ご感想|感想|コメント|feedback|comment)\s*(?:[:=]|\s)\s*(.+)",
    re.DOTALL | re.IGNORECASE,
)


class Said(Struct, frozen=True):
    """What an answer says; `survey` is the id of the question that a button named."""

    score: int | None = None
    comment: str | None = None
    survey: str | None = None


def may_answer(message: Message) -> bool:
    """Whether a message would be an answer if some question had been asked."""
    return any(answer_in(message, question) for question in Question)


def answer_in(message: Message, question: Question) -> Said | None:
    """Return what a customer's message answers to a question; None where it is not wholly an answer."""
    if message.direction is not Direction.INBOUND or message.kind not in READ:
        return None
    if message.attachments:
        return None
    if message.kind is MessageKind.POSTBACK:
        return _pressed(message.attributes.get("data", message.text or ""), question)
    text = message.text_reply if message.text_reply is not None else message.text
    return _read(text or "", question)


def in_scale(score: int, question: Question) -> bool:
    """Whether a score is one of the question's."""
    return score in SCALES[question]


def _pressed(data: str, question: Question) -> Said | None:
    """Return the answer in a button's data: `survey=<id>&score=4`, or as if it had been written."""
    fields = parse_qs(data) if len(data) <= LONGEST and "=" in data else {}
    if "score" not in fields:
        return _read(data, question)
    score = _score(_plain(fields["score"][0]), question)
    if score is None:
        return None
    return Said(score, None, fields.get("survey", [None])[0])


def _read(text: str, question: Question) -> Said | None:
    if len(text) > LONGEST:
        return None
    written = unicodedata.normalize("NFKC", text).strip()
    if question is Question.TEXT:
        opinion = _OPINION.fullmatch(written)
        return Said(None, opinion[1]) if opinion and "?" not in opinion[1] else None
    score = _score(_plain(written), question)
    return Said(score) if score is not None else _with_comment(written, question)


def _with_comment(written: str, question: Question) -> Said | None:
    """Return the answer of a text that names what it gives. Who asks something back wants an answer."""
    named = _NAMED.fullmatch(written)
    if named is None:
        return None
    score = _score(_plain(named[1]), question)
    comment = (named[2] or "").strip()
    if score is None or "?" in comment:
        return None
    return Said(score, comment or None)


def _score(word: str, question: Question) -> int | None:
    if (known := _WORDS[question].get(word)) is not None:
        return known
    if question is Question.CSAT5 and _STARS.fullmatch(word):
        return sum(star in "★⭐" for star in word)
    number = _NUMBER.fullmatch(word)
    if number is None or question is Question.CSAT3:
        return None
    score, out_of = int(number[1]), number[2]
    fits = in_scale(score, question) and out_of in (None, str(SCALES[question].stop - 1))
    return score if fits else None


def _plain(text: str) -> str:
    """Return a word as the lists have it: one case, no emoji's shade, nothing around it."""
    return _SKIN.sub("", unicodedata.normalize("NFKC", text)).lower().strip(_AROUND)
