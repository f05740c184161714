"""Words by which people stop, start again or ask for help, when a whole message is one of them.

The Latin words are Twilio's ("Advanced Opt-Out") and AWS's ("Required opt-out keywords"): the
carriers act on them, so must we. No standard names Japanese ones; these are ours. キャンセル is
missing on purpose: in Japanese it asks to cancel an order.
"""

import unicodedata

from common.core.events import MessageKind

_WORDS = {
    MessageKind.OPT_OUT: (
        "STOP STOPALL UNSUBSCRIBE CANCEL END QUIT REVOKE OPTOUT OPT-OUT ARRET ARRÊT REMOVE TD "
        "停止 配信停止 解除 配信解除 登録解除 退会 受信拒否 不要 ストップ ていし"
    ),
    MessageKind.OPT_IN: "START YES UNSTOP 再開 配信再開 開始 登録",
    MessageKind.HELP: "HELP INFO ヘルプ 問い合わせ 使い方",
}
_KINDS = {word: kind for kind, words in _WORDS.items() for word in words.split()}
_LONGEST = 40  # no word with its punctuation is longer; normalising a whole letter would be waste


def keyword_kind(text: str | None) -> MessageKind:
    """Return OPT_OUT, OPT_IN or HELP where the whole text is such a word, else MESSAGE.

    Width, case, surrounding space and trailing punctuation do not matter.
    """
    if not text or len(text) > _LONGEST:
        return MessageKind.MESSAGE
    word = unicodedata.normalize("NFKC", text).upper().strip()
    return _KINDS.get(_without_trailing_punctuation(word), MessageKind.MESSAGE)


def _without_trailing_punctuation(word: str) -> str:
    while word and unicodedata.category(word[-1])[0] in "PZ":
        word = word[:-1]
    return word
