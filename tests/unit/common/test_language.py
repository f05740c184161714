import pytest
from hypothesis import given, strategies as st

from common.core.language import language_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("お世話になっております。", "ja"),
        ("ｵｾﾜﾆﾅﾘﾏｽ", "ja"),
        ("注文番号 ORDER-12345 を Cancel したいです", "ja"),
        ("見積依頼", "ja"),
        ("您好，我想取消订单", "zh"),
        ("您好，我想詢問一下上週訂購的商品什麼時候可以寄到台北的辦公室，謝謝", "zh"),
        (
            "「ありがとう」這句話在日文當中是表達謝意的時候使用的一句非常普遍的話語，大家都應該學習並且經常使用它，因為這句話代表了一個人的基本禮貌與尊重，也是人與人之間溝通最重要的橋樑",
            "zh",
        ),
        ("안녕하세요, 문의드립니다", "ko"),
        ("Здравствуйте, где мой заказ?", "ru"),
        ("สวัสดีครับ", "th"),
        ("Hello, I have a question about my order", "en"),
        ("Guten Tag, ich habe eine Frage und bitte um Antwort", "de"),
        ("Bonjour, je vous écris pour une question", "fr"),
        ("Hola, no puedo entrar en mi cuenta, gracias", "es"),
        ("OK", None),
        ("12345 !?", None),
        ("", None),
        ("de la", None),
    ],
)
def test_a_language_is_told_by_its_letters_and_small_words(text: str, language: str | None) -> None:
    assert language_of(text) == language


def test_a_few_kanji_belong_to_the_region_they_came_from() -> None:
    assert language_of("見積依頼", "TW") == "zh"


@given(st.text(), st.sampled_from(["JP", "TW", ""]))
def test_no_text_is_too_odd(text: str, region: str) -> None:
    language_of(text, region)
