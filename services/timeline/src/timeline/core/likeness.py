"""How alike two profiles are: whether they may be of one person whom nobody has linked.

Nothing here links anybody. What is alike enough is shown to a person.
"""

import re
import unicodedata
from collections.abc import Iterable

from msgspec import Struct
from rapidfuzz import fuzz
from rapidfuzz.distance import JaroWinkler

from common.core.events import CustomerChanged

ALIKE = 0.85
NAME_ALIKE = 0.8
MOST_KEYS = 12
MOST_OF_A_KIND = 4  # telephones and mail addresses of a profile that are compared
SHORTEST_LOCAL = 5  # `info`, `mail` and `taro` are too many people's
LONGEST = 100  # of a name, in characters: more is a text

_SPACES = re.compile(r"[\s・･.,'’\-‐―]+")
_TITLES = re.compile(r"(様|さん|殿|先生|御中)$")
# NFKC has made `(株)` of ㈱ and of the full-width brackets before.
_FORMS = re.compile(
    r"株式会社|有限会社|合同会社|合資会社|合名会社|一般社団法人|公益財団法人|医療法人|\((株|有|同|社)\)"
    r"|\b(inc|ltd|llc|corp|co|kk|k\.k|gmbh|corporation|company|limited|incorporated)\b\.?"
)
# One name in the letters of a register and in those of everyday use.
_VARIANTS = str.maketrans("髙﨑邉邊齋齊斎澤濵濱嶋廣國眞德惠", "高崎辺辺斉斉斉沢浜浜島広国真徳恵")
_HIRAGANA_TO_KATAKANA = {code: code + 0x60 for code in range(0x3041, 0x3097)}


class Likeness(Struct, frozen=True):
    """How alike two profiles are, each part from 0 to 1; None where one of them does not say."""

    score: float
    name: float | None
    company: float | None
    telephone: float | None
    mail: float | None


def folded_name(name: str) -> str:
    """Return a person's name as it is compared: `ｽｽﾞｷ　ﾊﾅｺ様` and `すずき はなこ` are one."""
    text = unicodedata.normalize("NFKC", name[:LONGEST]).casefold().strip()
    text = _TITLES.sub("", text).translate(_VARIANTS).translate(_HIRAGANA_TO_KATAKANA)
    return " ".join(_SPACES.sub(" ", text).split())


def folded_company(name: str) -> str:
    """Return a company's name without its legal form: `㈱あおぞら` and `あおぞら 株式会社` are one."""
    text = unicodedata.normalize("NFKC", name[:LONGEST]).casefold()
    text = _FORMS.sub(" ", text).translate(_VARIANTS).translate(_HIRAGANA_TO_KATAKANA)
    return _SPACES.sub("", text)


def keys_of(profile: CustomerChanged) -> frozenset[str]:
    """Return the keys under which a profile is compared with others that have one in common."""
    keys: list[str] = []
    name = _joined(profile.name)
    company = _company(profile)
    if name:
        keys.append(f"name:{name}")
    if name and company:
        keys.append(f"company:{company}:{name[0]}")
    for number in _telephones(profile.contacts):
        keys += [f"tel:{number}", f"tel:{number[-4:]}:{name[:1]}"] if name else [f"tel:{number}"]
    keys += [f"mail:{local}" for local in _locals(profile.contacts) if len(local) >= SHORTEST_LOCAL]
    return frozenset(keys[:MOST_KEYS])


def likeness(one: CustomerChanged, other: CustomerChanged) -> Likeness:
    """Return how alike two profiles are.

    A name alone is no sign: thousands are called 田中 太郎. Something else must be alike, too.
    """
    name = _names_alike(one.name, other.name)
    company = _alike(_listed(_company(one)), _listed(_company(other)))
    telephone = _alike(_telephones(one.contacts), _telephones(other.contacts))
    mail = _alike(_locals(one.contacts), _locals(other.contacts))
    beside = max(telephone or 0.0, mail or 0.0, 0.8 * (company or 0.0))
    score = (name + beside) / 2 if name is not None and name >= NAME_ALIKE else 0.0
    return Likeness(round(score, 3), name, company, telephone, mail)


def _names_alike(one: str | None, other: str | None) -> float | None:
    if not one or not other:
        return None
    names = folded_name(one), folded_name(other)
    # Without its spaces, for 鈴木花子; with its words in order, for SUZUKI Hanako.
    joined = JaroWinkler.similarity(*(name.replace(" ", "") for name in names))
    return round(max(joined, fuzz.token_sort_ratio(*names) / 100), 3)


def _alike(one: Iterable[str], other: Iterable[str]) -> float | None:
    others = list(other)
    found = [fuzz.ratio(here, there) / 100 for here in one for there in others]
    return round(max(found), 3) if found else None


def _joined(name: str | None) -> str:
    return folded_name(name).replace(" ", "") if name else ""


def _company(profile: CustomerChanged) -> str:
    account = profile.account
    return folded_company(account.name) if account is not None and account.name else ""


def _listed(text: str) -> list[str]:
    return [text] if text else []


def _telephones(contacts: Iterable[str]) -> list[str]:
    return [contact.removeprefix("tel:+") for contact in contacts if contact.startswith("tel:+")][
        :4
    ]


def _locals(contacts: Iterable[str]) -> list[str]:
    mails = (contact.removeprefix("email:") for contact in contacts if contact.startswith("email:"))
    return [mail.partition("@")[0].partition("+")[0] for mail in mails][:MOST_OF_A_KIND]
