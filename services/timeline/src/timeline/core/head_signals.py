"""Signs that a customer may leave: most leave without a word, so what they did say counts."""

import unicodedata
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import takewhile
from uuid import UUID

from msgspec import Struct

from timeline.core.head_trends import Direction, Trend

SHORTEST_RUN = 3
SILENT_AFTER = timedelta(days=14)
FORGOTTEN_AFTER = timedelta(days=365)
LOW_SHARE = 0.5

# Words, not feelings: who is angry in other words is not found, and the head says by which.
NEGATIVE = (
    *(
        "不満",
        "苦情",
        "クレーム",
        "最悪",
        "最低",
        "ひどい",
        "酷い",
        "許せない",
        "腹が立",
        "怒って",
        "怒り",
    ),
    *(
        "がっかり",
        "失望",
        "不愉快",
        "不誠実",
        "納得でき",
        "納得がいか",
        "いい加減にし",
        "二度と",
        "もう使いません",
    ),
    *(
        "返金",
        "解約",
        "乗り換え",
        "消費者センター",
        "遅すぎ",
        "まだですか",
        "何度も",
        "対応が悪",
        "迷惑",
    ),
    *(
        "terrible",
        "awful",
        "horrible",
        "unacceptable",
        "disappointed",
        "disappointing",
        "complaint",
    ),
    *("furious", "angry", "ridiculous", "worst", "useless", "refund", "never again", "fed up"),
)
_READ_AT_MOST = 5_000  # characters


class SignalKind(StrEnum):
    """What was seen."""

    FALLING_SATISFACTION = "falling_satisfaction"
    NEGATIVE_RUN = "negative_run"
    SILENCE_AFTER_COMPLAINT = "silence_after_complaint"


class Wrote(Struct, frozen=True, kw_only=True):
    """A message of the customer's; `negative` are the words of anger or complaint in it."""

    event: UUID
    at: datetime
    channel: str | None
    language: str | None
    negative: tuple[str, ...]


class Signal(Struct, frozen=True):
    """A sign, since when it can be seen, the words that were found, and the events behind it."""

    kind: SignalKind
    since: datetime
    words: tuple[str, ...]
    events: tuple[UUID, ...]


def negative_words(text: str) -> tuple[str, ...]:
    """Return which words of anger or complaint a text has."""
    plain = unicodedata.normalize("NFKC", text[:_READ_AT_MOST]).casefold()
    return tuple(word for word in NEGATIVE if word in plain)


def signals_of(
    newest_first: Sequence[Wrote], csat: Trend | None, nps: Trend | None, now: datetime
) -> tuple[Signal, ...]:
    """Return what can be seen at a moment."""
    return (
        *_falling(csat, nps),
        *_run(newest_first),
        *_silence(newest_first, csat, nps, now),
    )


def _falling(*trends: Trend | None) -> Iterator[Signal]:
    for trend in trends:
        if trend is not None and trend.direction is Direction.DOWN:
            yield Signal(SignalKind.FALLING_SATISFACTION, trend.at, (), trend.events)


def _run(newest_first: Sequence[Wrote]) -> Iterator[Signal]:
    run = list(takewhile(lambda message: message.negative, newest_first))
    if len(run) >= SHORTEST_RUN:
        events = tuple(message.event for message in run)
        yield Signal(SignalKind.NEGATIVE_RUN, run[-1].at, _words(run), events)


def _silence(
    newest_first: Sequence[Wrote], csat: Trend | None, nps: Trend | None, now: datetime
) -> Iterator[Signal]:
    last = [
        *((one.at, one.event, bool(one.negative), one.negative) for one in newest_first[:1]),
        *((one.at, one.events[0], one.share < LOW_SHARE, ()) for one in (csat, nps) if one),
    ]
    if not last:
        return
    at, event, complains, words = max(last, key=lambda one: one[:2])
    if complains and SILENT_AFTER <= now - at < FORGOTTEN_AFTER:
        yield Signal(SignalKind.SILENCE_AFTER_COMPLAINT, at, words, (event,))


def _words(run: Sequence[Wrote]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for message in run for word in message.negative))
