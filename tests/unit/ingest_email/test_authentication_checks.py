"""SPF, DKIM and DMARC with real keys and signatures; only the DNS is in memory."""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from msgspec.structs import replace
from typing_extensions import override

from common.core.adapters import ChannelAccount, Original
from common.core.events import Authenticity
from ingest_email.core.authentication import RESULTS
from ingest_email.core.envelope import Envelope, to_headers
from ingest_email.edges.authentication import VerifyingIntake, organisation, verify
from ingest_email.edges.dns import Answer, LookupFailedError, Lookups

KEY = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - quick, and the least that RFC 8301 has verifiers take
SECRET = KEY.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.TraditionalOpenSSL,
    serialization.NoEncryption(),
)
PUBLIC = base64.b64encode(
    KEY.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
)
MAIL = (
    b"From: =?UTF-8?B?5aSq6YOO?= <taro@shop.example.co.jp>\r\nTo: support@acme.example\r\n"
    b"Subject: order\r\nMessage-ID: <1@example.co.jp>\r\n\r\n" + "届きません。\r\n".encode()
)
ENVELOPE = Envelope(
    sender="taro@example.co.jp", client_ip="192.0.2.10", helo="mx.example.co.jp", recipients=("a",)
)
KEY_RECORD = (b"v=DKIM1; k=rsa; p=", PUBLIC)  # two strings of one record
RECORDS: dict[tuple[str, str], Sequence[Answer]] = {
    ("example.co.jp", "TXT"): [(b"unrelated",), (b"v=spf1 a:mail.example.co.jp mx -all",)],
    ("mx.example.co.jp", "TXT"): [(b"v=spf1 a -all",)],
    ("mx.example.co.jp", "A"): ["192.0.2.10"],
    ("mail.example.co.jp", "A"): ["192.0.2.11"],
    ("example.co.jp", "MX"): [(10, "mx.example.co.jp")],
    ("s1._domainkey.example.co.jp", "TXT"): [KEY_RECORD],
    ("s1._domainkey.other.co.jp", "TXT"): [KEY_RECORD],
    ("_dmarc.example.co.jp", "TXT"): [(b"v=DMARC1; p=reject; aspf=r",)],
}


class Dns:
    """Answers from a table, each answer after `takes` seconds of its own clock, or never."""

    def __init__(self, takes: float = 0.0, *, away: bool = False) -> None:
        self.now = 0.0
        self.asked: list[tuple[str, str]] = []
        self._takes = takes
        self._away = away

    def lookup(self, name: str, kind: str, seconds: float) -> Sequence[Answer]:
        assert seconds > 0
        self.asked.append((name, kind))
        self.now += self._takes
        if self._away:
            raise LookupFailedError(name)
        return RECORDS.get((name, kind), ())


def signed(mail: bytes = MAIL, domain: bytes = b"example.co.jp", *, length: bool = False) -> bytes:
    header: bytes = dkim.sign(mail, b"s1", domain, SECRET, length=length)
    return header + mail


def check(mail: bytes, envelope: Envelope = ENVELOPE, dns: Dns | None = None) -> Authenticity:
    dns = dns or Dns()
    return verify(mail, envelope, Lookups(dns, 5.0, lambda: dns.now))


def test_a_genuine_mail_passes_everything() -> None:
    assert check(signed()) == Authenticity(spf="pass", dkim="pass", dmarc="pass")


def test_a_forgery_fails_everything() -> None:
    forged = signed().replace("届きません".encode(), "送金して".encode())
    stranger = replace(ENVELOPE, client_ip="198.51.100.1")
    assert check(forged, stranger) == Authenticity(spf="fail", dkim="fail", dmarc="fail")


def test_a_forwarded_mail_still_speaks_for_its_author() -> None:
    forwarder = replace(ENVELOPE, client_ip="198.51.100.1")
    assert check(signed(), forwarder) == Authenticity(spf="fail", dkim="pass", dmarc="pass")


def test_another_company_s_signature_does_not_speak_for_the_author() -> None:
    stranger = Envelope(sender="a@other.co.jp", client_ip="198.51.100.1", helo="x")
    assert organisation("shop.example.co.jp") == "example.co.jp"
    assert check(signed(domain=b"other.co.jp"), stranger) == Authenticity(
        spf="none", dkim="pass", dmarc="fail"
    )


def test_a_broken_signature_above_a_good_one_spoils_nothing() -> None:
    broken = b"DKIM-Signature: v=1; a=rsa-sha256; d=example.co.jp\r\n"
    assert check(broken + signed()).dkim == "pass"
    assert check(broken + MAIL).dkim == "fail"
    assert check(b"DKIM-Signature: what\r\n" + MAIL).dkim == "permerror"


def test_a_mail_that_begins_with_a_fold_is_labelled_all_the_same() -> None:
    folded = check(b" folded\r\n" + MAIL)
    assert (folded.spf, folded.dkim) == ("pass", "permerror")


def test_a_signature_that_leaves_the_end_open_vouches_for_nothing() -> None:
    assert check(signed(length=True) + b"more\r\n", replace(ENVELOPE, client_ip="")) == (
        Authenticity(spf=None, dkim="policy", dmarc="fail")
    )


def test_many_signatures_do_not_cost_many_checks() -> None:
    dns, mail = Dns(), signed()
    header = mail.removesuffix(MAIL)
    check(header * 100 + MAIL, replace(ENVELOPE, client_ip=""), dns)
    assert len([name for name, _ in dns.asked if "_domainkey" in name]) == 5


def test_a_bounce_is_judged_by_the_name_its_server_gave() -> None:
    assert check(MAIL, replace(ENVELOPE, sender="")).spf == "pass"


def test_from_our_own_mail_server_there_is_no_spf() -> None:
    assert check(signed(), replace(ENVELOPE, client_ip="")) == Authenticity(
        spf=None, dkim="pass", dmarc="pass"
    )


def test_a_mail_of_no_known_domain_is_not_judged() -> None:
    mail = b"From: a@nowhere.example\r\n\r\nx\r\n"
    assert check(mail, Envelope("a@nowhere.example", client_ip="192.0.2.1")) == Authenticity(
        spf="none", dkim="none", dmarc="none"
    )
    assert check(b"Subject: x\r\n\r\nx\r\n").dmarc == "none"


def test_without_the_dns_nothing_is_certain() -> None:
    assert check(signed(), dns=Dns(away=True)) == Authenticity(
        spf="temperror", dkim="temperror", dmarc="temperror"
    )


def test_a_slow_dns_is_asked_no_longer_than_the_limit() -> None:
    dns = Dns(takes=3.0)
    assert check(signed(), dns=dns).dkim == "temperror"
    assert len(dns.asked) == 2


def test_what_is_no_mail_and_what_costs_too_much_is_answered_too() -> None:
    assert check(b"\x00 no header\r\n\r\n").dkim == "permerror"
    assert check(signed() + b" " * 40_000).dkim == "neutral"


def test_senders_that_send_the_checks_around_in_circles_are_stopped() -> None:
    dns = Dns()
    RECORDS["loop.example", "TXT"] = [(b"v=spf1 include:loop.example -all",)]
    RECORDS["void.example", "TXT"] = [(b"v=spf1 a:a.example a:b.example a:c.example -all",)]
    for sender in ("a@loop.example", "a@void.example"):
        assert check(MAIL, replace(ENVELOPE, sender=sender), dns).spf == "permerror"
    assert len(dns.asked) < 30


class Keeper:
    def __init__(self) -> None:
        self.kept: list[Original] = []

    async def accept(self, original: Original, account: ChannelAccount) -> None:
        assert account.account == original.account
        self.kept.append(original)


EDGE = ChannelAccount(tenant="acme", provider="smtp", account="edge", options={"verify": "edge"})
ORIGINAL = Original(
    provider="smtp",
    account="edge",
    received_at=datetime(2026, 1, 15, tzinfo=UTC),
    body=signed(),
    headers=to_headers(ENVELOPE),
)


async def test_results_are_kept_with_the_mail() -> None:
    keeper, dns = Keeper(), Dns()
    await VerifyingIntake(keeper, dns, 5.0, lambda: dns.now).accept(ORIGINAL, EDGE)
    assert keeper.kept[0].body == ORIGINAL.body
    assert keeper.kept[0].headers == ORIGINAL.headers | {RESULTS: "spf=pass dkim=pass dmarc=pass"}


async def test_behind_a_gateway_nothing_is_asked() -> None:
    keeper, dns = Keeper(), Dns()
    behind = replace(EDGE, options={"authserv_id": "mx.acme.example"})
    await VerifyingIntake(keeper, dns, 5.0, lambda: dns.now).accept(ORIGINAL, behind)
    assert (keeper.kept, dns.asked) == ([ORIGINAL], [])


@pytest.mark.parametrize("ip", ["192.0.2.10", "no address"])
async def test_a_check_that_breaks_loses_no_mail(ip: str) -> None:
    class Broken(Dns):
        @override
        def lookup(self, name: str, kind: str, seconds: float) -> Sequence[Answer]:
            raise RuntimeError(name, kind, seconds)

    keeper, dns = Keeper(), Broken()
    original = replace(ORIGINAL, headers=to_headers(replace(ENVELOPE, client_ip=ip)))
    await VerifyingIntake(keeper, dns, 5.0, lambda: dns.now).accept(original, EDGE)
    assert keeper.kept == [original]
