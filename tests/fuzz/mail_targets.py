"""Mail: whole messages, their pieces, who vouches for them, and the sessions that bring them."""

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec
from lxml import html as lxml_html  # type: ignore[import-untyped]  # lxml ships no types
from tests.fuzz.laws import Target, pieces, storable, text
from tests.samples.golden import RECEIVED_AT, account_of

from common.core.adapters import Original
from common.core.events import Authenticity
from ingest_email.core.addresses import read_addresses
from ingest_email.core.authentication import from_header, to_header
from ingest_email.core.authenticity import read_authenticity
from ingest_email.core.calendar_lines import unfold
from ingest_email.core.charsets import decode
from ingest_email.core.dates import sent_at
from ingest_email.core.envelope import Envelope
from ingest_email.core.headers import Headers, read_headers
from ingest_email.core.html_text import html_to_text
from ingest_email.core.invitations import read_invitation
from ingest_email.core.limits import LimitExceededError
from ingest_email.core.markup import declared_charset, safe_html
from ingest_email.core.message import parse, read_mail
from ingest_email.core.parameters import read_structured
from ingest_email.core.quotes import reply_text
from ingest_email.core.rtf import decompress_rtf
from ingest_email.core.tnef import Tnef, read_tnef
from ingest_email.core.words import decode_header
from ingest_email.edges.authentication import verify
from ingest_email.edges.dns import Answer, Lookups

GATEWAY = "mx.example.jp"
RESULTS = frozenset(
    ("pass", "fail", "softfail", "neutral", "none", "policy", "temperror", "permerror")
)
LINKS = ("href", "src", "cite", "background", "action", "formaction", "srcset", "data")
SCHEME = re.compile("#|(?:https?|mailto|tel|cid):|data:image/(?:png|gif|jpeg|webp)")
EXECUTED = "script|iframe|object|embed|form|input|base|link|meta|style|svg"
RTF_BYTES = 2_100_000


def mail(data: bytes) -> None:
    """Read a mail with the net below it taken away: a fault shows instead of becoming `unsupported`."""
    original = Original(provider="smtp", account="main", received_at=RECEIVED_AT, body=data)
    account = account_of("smtp")
    try:
        storable((read_mail(original, account),))
    except LimitExceededError:
        storable(parse(original, account))


def header_values(data: bytes) -> None:
    """Read the value of a header field in every way that we read one."""
    decode_header(data).encode()
    for address in read_addresses(data):
        assert "\n" not in address.address
    read_structured(data)
    moment = sent_at(data, RECEIVED_AT)
    assert moment is None or moment.tzinfo


def charset(data: bytes) -> None:
    """Decode bytes under a label: always text that can be stored."""
    label, raw = pieces(data, 2)
    decode(raw, text(label)).encode()
    declared_charset(raw).encode()


def html(data: bytes) -> None:
    """Make HTML harmless, and readable: nothing in it runs, and it stays so when done again."""
    source = text(data)
    html_to_text(source).encode()
    safe = safe_html(source)
    if safe.strip():
        harmless(safe)
        harmless(safe_html(safe))


def harmless(safe: str) -> None:
    """Assert that a browser's reading of HTML holds nothing that acts or is fetched."""
    for element in lxml_html.document_fromstring(f"<html><body>{safe}</body></html>").iter():
        assert not re.fullmatch(EXECUTED, str(element.tag)), safe
        for name, value in element.attrib.items():
            assert not name.startswith("on"), safe
            if name in LINKS:
                scheme = SCHEME.match(re.sub(r"[\x00-\x20]", "", value).lower())
                assert scheme, safe


def reply(data: bytes) -> None:
    """Part an answer from what it quotes: nothing is added to it."""
    whole = text(data)
    assert len(reply_text(whole)) <= len(whole)


def authentication_results(data: bytes) -> None:
    """Read the field of our own gateway: words that RFC 8601 could have, and they travel."""
    found = read_authenticity(Headers((("authentication-results", data),)), GATEWAY)
    assert from_header(to_header(found)) == Authenticity(
        spf=found.spf, dkim=found.dkim, dmarc=found.dmarc
    )
    assert read_authenticity(Headers((("authentication-results", data),)), None) == Authenticity()


class Zone:
    """A DNS in which every name has the same records, those of the input."""

    def __init__(self, records: Sequence[bytes]) -> None:
        self._records = records
        self.asked = 0

    def lookup(self, name: str, kind: str, seconds: float) -> Sequence[Answer]:
        """Return the input's lines as TXT records, and otherwise what fits."""
        assert seconds > 0
        assert name is not None
        self.asked += 1
        if kind == "TXT":
            return [(line,) for line in self._records]
        first = text(self._records[0]) if self._records else ""
        other: Mapping[str, Sequence[Answer]] = {
            "A": ["192.0.2.1"],
            "MX": [(10, first)],
            "PTR": [first],
        }
        return other.get(kind, ())


MOST_QUESTIONS = 60


def authentication(data: bytes) -> None:
    """Check SPF, DKIM and DMARC of a mail whose sender writes the DNS, too."""
    raw, records, sender = pieces(data, 3)
    zone = Zone(records.splitlines())
    envelope = Envelope(
        sender=text(sender), client_ip="192.0.2.7", helo="mail.example.jp", recipients=("a@b",)
    )
    found = verify(raw, envelope, Lookups(zone, 5.0, lambda: 0.0))
    assert {found.spf, found.dkim, found.dmarc} <= RESULTS
    assert zone.asked <= MOST_QUESTIONS


def tnef(data: bytes) -> None:
    """Open a winmail.dat, and its compressed text: never more than its limits allow."""
    found = read_tnef(data)
    assert sum(map(len, _contents(found))) <= 3 * len(data) + RTF_BYTES
    assert len(decompress_rtf(data)) <= RTF_BYTES


def _contents(found: Tnef) -> Iterator[bytes]:
    """Yield what was taken out of a winmail.dat."""
    yield from (found.html, found.text.encode(), found.subject.encode())
    for file in found.files:
        yield file.content
        if file.message:
            yield from _contents(file.message)


def calendar(data: bytes) -> None:
    """Read an invitation: texts that can be stored."""
    found = read_invitation(text(unfold(data)))
    assert "\0" not in msgspec.json.encode(found).decode()


def header_block(data: bytes) -> None:
    """Read a header block: fields that are fields, and a body that begins within the mail."""
    headers, start = read_headers(data, 0)
    assert 0 <= start <= len(data)
    assert all(name == name.lower() and b"\n" not in value for name, value in headers.fields)


TARGETS: Mapping[str, Target] = {
    "mail": mail,
    "mail-header-block": header_block,
    "mail-header-values": header_values,
    "mail-charset": charset,
    "mail-html": html,
    "mail-reply": reply,
    "mail-tnef": tnef,
    "mail-calendar": calendar,
    "mail-authentication": authentication,
    "mail-authentication-results": authentication_results,
}
