"""SPF, DKIM and DMARC where we are the edge: what the checks found becomes labels.

They say what vouches for a mail, never who somebody is, and are never a reason to refuse it. Where
a gateway stands in front of us its own word is taken instead (core.authenticity).
"""

import re
from collections.abc import Callable, Iterable, Sequence

import idna
from msgspec import Struct
from msgspec.structs import replace

from common.core.adapters import ChannelAccount, Draft, Original
from common.core.events import Authenticity, Message
from ingest_email.core.addresses import read_addresses
from ingest_email.core.headers import read_headers
from ingest_email.core.limits import HEADER_BLOCK_BYTES, MESSAGE_BYTES

Parse = Callable[[Original, ChannelAccount], tuple[Draft, ...]]

PROVIDER = "smtp"
RESULTS = "authentication"  # in `Original.headers`: `spf=pass dkim=none dmarc=fail`
METHODS = ("spf", "dkim", "dmarc")

# Of several DKIM signatures: the best one counts, and so many are looked at.
MOST_SIGNATURES = 5
_RANK = ("pass", "temperror", "policy", "neutral", "fail", "permerror", "none")

# dkim.canonicalization spends the square of the length of each run of blanks on it.
_BLANKS = re.compile(rb"[ \t]{8,}")
_MOST_BLANK_WORK = 20_000_000
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")

_TAG = re.compile(r"\s*([a-z]+)\s*=\s*([^;]*?)\s*(?:;|$)", re.IGNORECASE)


class Vouched(Struct, frozen=True):
    """A result (RFC 8601) and the domain that it is about."""

    result: str
    domain: str = ""


class Policy(Struct, frozen=True):
    """What a domain's DMARC record says about alignment: whether only the very domain will do."""

    strict_dkim: bool = False
    strict_spf: bool = False


def is_verified_here(account: ChannelAccount) -> bool:
    """Whether the account's mail comes to us straight from the internet (`verify: edge`)."""
    return account.provider == PROVIDER and account.options.get("verify") == "edge"


def is_verifiable(raw: bytes) -> bool:
    """Whether checking the signatures of a mail costs a bounded time."""
    if len(raw) > MESSAGE_BYTES:
        return False
    if len(raw) > HEADER_BLOCK_BYTES and not _END_OF_HEADERS.search(raw, 0, HEADER_BLOCK_BYTES):
        return False
    return sum((run.end() - run.start()) ** 2 for run in _BLANKS.finditer(raw)) <= _MOST_BLANK_WORK


def author_domain(raw: bytes) -> str:
    """Return the domain of the one author of a mail, or nothing where there is not exactly one.

    DMARC speaks about that domain; a mail with several is not judged (RFC 7489, 6.6.1).
    """
    headers, _ = read_headers(raw, 0)
    fields = headers.all("from")
    if len(fields) != 1:
        return ""
    domains = {domain_of(address.address) for address in read_addresses(fields[0])}
    return domains.pop() if len(domains) == 1 else ""


def domain_of(address: str) -> str:
    """Return the domain of an address as the DNS has it (xn--…, lower case), or nothing."""
    return in_dns(address.rpartition("@")[2]) if "@" in address else ""


def in_dns(domain: str) -> str:
    """Return a domain as the DNS has it."""
    plain = domain.strip(" <>.").lower()
    try:
        return idna.encode(plain).decode()
    except (idna.IDNAError, UnicodeError):
        return plain


def policy_of(records: Iterable[str]) -> Policy | None:
    """Return the policy in the TXT records of `_dmarc.<domain>`, None where there is not one.

    Two records count as none (RFC 7489, 6.6.3), one without `p` too.
    """
    found = [_tags(text) for text in records if text.startswith("v=DMARC1")]
    if len(found) != 1 or "p" not in found[0]:
        return None
    return Policy(strict_dkim=found[0].get("adkim") == "s", strict_spf=found[0].get("aspf") == "s")


def best_of(signatures: Sequence[Vouched]) -> str:
    """Return the result that stands for all DKIM signatures of a mail."""
    return min((item.result for item in signatures), key=_RANK.index, default="none")


def dmarc(
    author: str,
    policy: Policy,
    spf: Vouched | None,
    signatures: Sequence[Vouched],
    organisation: Callable[[str], str],
) -> str:
    """Return the DMARC result: whether what passed speaks for the author's domain (RFC 7489, 3.1).

    `organisation` returns the domain under a public suffix that a domain belongs to.
    """

    def aligned(domain: str, *, strict: bool) -> bool:
        return domain == author if strict else organisation(domain) == organisation(author)

    passed = [item.domain for item in signatures if item.result == "pass"]
    if any(aligned(domain, strict=policy.strict_dkim) for domain in passed):
        return "pass"
    if spf and spf.result == "pass" and aligned(spf.domain, strict=policy.strict_spf):
        return "pass"
    unsure = any(item.result == "temperror" for item in (*signatures, *([spf] if spf else [])))
    return "temperror" if unsure else "fail"


def to_header(results: Authenticity) -> str:
    """Return the results as they travel with the mail in `Original.headers[RESULTS]`."""
    named = {method: getattr(results, method) for method in METHODS}
    return " ".join(f"{method}={result}" for method, result in named.items() if result)


def from_header(text: str) -> Authenticity:
    """Return the results that `to_header` wrote."""
    found = dict(item.split("=", 1) for item in text.split() if "=" in item)
    return Authenticity(spf=found.get("spf"), dkim=found.get("dkim"), dmarc=found.get("dmarc"))


def parsing_what_was_verified(parse: Parse) -> Parse:
    """Return `parse` that labels a mail with the results of our own checks.

    They were kept with the original, so that reading it again years later, when the senders' keys
    are long gone from the DNS, says the same.
    """

    def labelled(original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
        drafts = parse(original, account)
        # Elsewhere `headers` are an HTTP request's, which anybody may write.
        if original.provider != PROVIDER or RESULTS not in original.headers:
            return drafts
        results = from_header(original.headers[RESULTS])
        return tuple(_labelled(draft, results) for draft in drafts)

    return labelled


def _labelled(draft: Draft, results: Authenticity) -> Draft:
    if not isinstance(draft.data, Message):
        return draft
    return replace(draft, data=replace(draft.data, authenticity=results))


def _tags(record: str) -> dict[str, str]:
    return {name.lower(): value.lower() for name, value in _TAG.findall(record)}
