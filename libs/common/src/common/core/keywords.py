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
        "停止 配信停止 配信停止希望 停止希望 受信停止 解除 配信解除 登録解除 購読解除 退会 "
        "受信拒否 配信拒否 配信不要 不要 ストップ すとっぷ ていし はいしんていし"
    ),
    MessageKind.OPT_IN: "START YES UNSTOP OPTIN OPT-IN 再開 配信再開 受信再開 配信希望 開始 配信開始 登録 さいかい",
    MessageKind.HELP: "HELP INFO ヘルプ へるぷ 問い合わせ 問合せ お問い合わせ 使い方",
}
_KINDS = {word: kind for kind, words in _WORDS.items() for word in words.split()}
_HYPHENS = dict.fromkeys(map(ord, "‐‑−"), "-")  # telephones write OPT‑OUT with any of them
_LONGEST = 40  # no word with its punctuation is longer; normalising a whole letter would be waste


def keyword_kind(text: str | None) -> MessageKind:
    """Return OPT_OUT, OPT_IN or HELP where the whole text is such a word, else MESSAGE.

    Width, case, space and the punctuation around it do not matter: who was told to answer 「停止」
    may send the brackets too.
    """
    if not text or len(text) > _LONGEST:
        return MessageKind.MESSAGE
    word = "".join(unicodedata.normalize("NFKC", text).upper().translate(_HYPHENS).split())
    return _KINDS.get(_bare(_bare(word)[::-1])[::-1], MessageKind.MESSAGE)


def _bare(word: str) -> str:
    """Return the word without what is punctuation at its end."""
    while word and unicodedata.category(word[-1])[0] in "PZ":
        word = word[:-1]
    return word
