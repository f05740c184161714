"""What customers write, by number: so that two runs write the same."""

from collections.abc import Sequence

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


_GREETINGS = (
    "お世話になっております。", "いつもありがとうございます。", "初めてご連絡いたします。", "こんにちは。",
    "夜分に失礼いたします。", "先ほどお電話した者です。", "至急お願いいたします。", "",
)  # fmt: skip
_NAMES = (
    "佐藤", "鈴木", "高橋", "田中", "伊藤", "渡辺", "山本", "中村", "小林", "加藤", "吉田", "山田", "佐々木", "山口",
    "松本", "井上", "木村", "林", "斎藤", "清水", "山崎", "森", "池田", "橋本", "阿部", "石川", "山下", "中島", "石井",
    "小川", "前田", "岡田", "長谷川", "藤田", "後藤", "近藤", "村上", "遠藤", "青木", "坂本", "福田", "太田", "西村",
)  # fmt: skip
_PLACES = (
    "札幌", "仙台", "さいたま", "千葉", "横浜", "川崎", "相模原", "新潟", "静岡", "浜松", "名古屋", "京都", "大阪", "堺",
    "神戸", "岡山", "広島", "北九州", "福岡", "熊本", "那覇", "金沢", "長野", "高松", "松山", "鹿児島", "宇都宮", "奈良",
)  # fmt: skip
_THINGS = (
    "ルーター", "光回線", "請求書", "炊飯器", "冷蔵庫", "定期便", "会員証", "領収書", "プリンター", "スマートフォン",
    "充電器", "掃除機", "浴室乾燥機", "保証書", "取扱説明書", "クーポン", "ポイント", "航空券", "予約番号", "口座振替",
    "解約書類", "電子レンジ", "ノートパソコン", "イヤホン", "自転車", "カーテン", "化粧水", "給湯器", "エアコン", "健康診断",
)  # fmt: skip
_HAPPENINGS = (
    "がまだ届きません", "の電源が入りません", "につながりません", "の金額が間違っているようです", "が見当たりません",
    "から異音がします", "の設定方法が分かりません", "を交換していただきたいです", "の返品を希望します", "の在庫はありますか",
    "を二重に注文してしまいました", "の画面が真っ暗です", "の住所を変更したいです", "の有効期限を教えてください",
    "が途中で止まってしまいます", "の修理をお願いできますか", "を解約したいのですが", "の見積もりをいただけますか",
    "に傷がついていました", "の引き落としが確認できません", "の予約を来週に変えられますか", "の使い方を詳しく知りたいです",
)  # fmt: skip
_WISHES = (
    "お手数ですがご確認をお願いいたします。", "折り返しお電話をいただけますか。", "今週中に対応していただけると助かります。",
    "できれば午前中の訪問を希望します。", "写真を添付しますのでご覧ください。", "担当の方につないでください。",
    "先月も同じことがありました。", "再起動しても直りませんでした。", "よろしくお願い申し上げます。", "返金は可能でしょうか。",
)  # fmt: skip
_ENGLISH = "My {thing} order {order} has not arrived in {place} yet. Could you please look into it?"


def story_of(number: int) -> str:
    """Return one of many millions of messages; common words stand in many, rare ones in few."""
    mixed = (number * 2_654_435_761 + 97) & 0xFFFFFFFF
    order = f"{mixed % 900_000 + 100_000}"
    place = _often(_PLACES, mixed)
    if mixed % 11 == 0:
        return _ENGLISH.format(thing="express", order=order, place=f"branch {order[:2]}")
    name, thing = _often(_NAMES, mixed >> 5), _often(_THINGS, mixed >> 11)
    happening, wish = _often(_HAPPENINGS, mixed >> 3), _often(_WISHES, mixed >> 8)
    greeting = _GREETINGS[(mixed >> 14) % len(_GREETINGS)]
    return (
        f"{greeting}{place}の{name}と申します。注文番号{order}の{thing}{happening}。"
        f"{wish}{_often(_WISHES, mixed >> 17)}"
    )


def _often(words: Sequence[str], mixed: int) -> str:
    """Return a word: the first ones come often, the last ones seldom."""
    share = (mixed * 40_503 & 0xFFFF) / 0x10000
    return words[int(len(words) * share * share)]
