"""The language of a message, guessed from its letters and its smallest words: a hint for routing.

It costs microseconds and knows when it does not know.
"""

import re
from collections import Counter

_SAMPLE_CHARACTERS = 2_000
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa\uff66-\uff9d]")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")
_SCRIPTS = {
    "ko": re.compile("[\uac00-\ud7a3\u3131-\u318e]"),
    "th": re.compile("[\u0e01-\u0e5b]"),
    "ru": re.compile("[\u0400-\u04ff]"),
    "ar": re.compile("[\u0600-\u06ff]"),
    "he": re.compile("[\u0590-\u05ff]"),
    "el": re.compile("[\u0370-\u03ff]"),
    "hi": re.compile("[\u0900-\u097f]"),
}
# Characters of everyday Chinese that Japanese does not write so.
_CHINESE = re.compile("[们这么吗呢吧说对发现问题还给谁过时请谢货钱单买卖订您妳]")
_LONG_WITHOUT_KANA = 24  # a Japanese sentence of so many characters has kana
_FEW_KANA = 0.1  # a Chinese sentence may quote a Japanese name
_WORDS = {
    "en": "the and you your is are was have has for with this that please not can we of to my i it",
    "de": "der die das und ich nicht ist sie wir mit für auf ein eine bitte haben habe den zu es",
    "fr": "le la les de des et je vous nous est pas pour une un que qui avec dans votre bonjour merci",
    "es": "el la los las y que no es por para una un con mi su usted hola gracias de estoy",
    "it": "il lo gli che non è per una un con mi sono grazie buongiorno di ho del della la",
    "pt": "o os as que não é para uma um com meu minha obrigado olá você de do da eu",
    "nl": "de het een en niet is ik u wij met voor van op dat graag bedankt heb mijn",
    "sv": "och att det är jag inte en ett för med på som har vi tack hej av kan",
    "pl": "i nie jest się na do to że z w proszę dziękuję dzień dobry mam jak czy",
    "vi": "tôi của và không là cho có được xin chào cảm ơn với một này",
}
_LANGUAGES_OF_WORD = {
    word: [name for name, words in _WORDS.items() if word in words.split()]
    for word in {word for words in _WORDS.values() for word in words.split()}
}
_FEWEST_WORDS = 2


def language_of(text: str, region: str = "JP") -> str | None:
    """Return an ISO 639-1 code, or None where the text does not tell.

    A few kanji alone are Japanese or Chinese: `region` (ISO 3166) decides.
    """
    sample = text[:_SAMPLE_CHARACTERS]
    kana, han = len(_KANA.findall(sample)), len(_HAN.findall(sample))
    found = {name: len(script.findall(sample)) for name, script in _SCRIPTS.items()}
    script, most = max(found.items(), key=lambda item: item[1])
    latin = len(_LATIN.findall(sample))
    if kana + han >= max(1, most) and 3 * (kana + han) >= latin:
        return _east_asian(sample, kana, han, region)
    if most and 3 * most >= latin:
        return script
    return _latin(sample)


def _east_asian(sample: str, kana: int, han: int, region: str) -> str:
    if kana > (kana + han) * _FEW_KANA:
        return "ja"
    chinese = _CHINESE.search(sample) or han >= _LONG_WITHOUT_KANA
    return "zh" if chinese or region != "JP" else "ja"


def _latin(sample: str) -> str | None:
    votes = Counter(
        name
        for word in re.findall(r"[^\W\d_]+", sample.casefold())
        for name in _LANGUAGES_OF_WORD.get(word, ())
    )
    ranked = votes.most_common(2)
    if not ranked or ranked[0][1] < _FEWEST_WORDS:
        return None
    is_tie = len(ranked) > 1 and ranked[0][1] == ranked[1][1]
    return None if is_tie else ranked[0][0]
