"""What customers write, by number: so that two runs write the same."""

_TEXTS = (
    "予約の変更をお願いします。来週の火曜日は空いていますか？",
    "注文した商品がまだ届きません。いつ届くか教えてください。",
    "請求書の金額が間違っているようです。至急確認をお願いします。",
    "ルーターの電源は入るのですが、インターネットにつながりません。",
    "解約したいのですが、手続きの方法が分かりません。",
    "Hello, I would like to change my delivery address, please.",
    "先日は丁寧に対応していただき、ありがとうございました。",
    "アプリにログインできません。パスワードを再設定しても同じです。",
)


def text_of(number: int) -> str:
    """Return one of a few ordinary messages, with its number."""
    return f"{_TEXTS[number % len(_TEXTS)]} ({number})"
