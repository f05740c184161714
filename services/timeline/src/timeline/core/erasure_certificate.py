"""What an erasure did, where, and when the last copies are gone: for the person who asked for it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from common.core.erasure import Marker


class Done(Struct, frozen=True):
    """What was deleted in one place: how many, by what they are."""

    where: str
    counts: dict[str, int]
    at: datetime


class Retained(Struct, frozen=True):
    """A copy that goes by itself, at the latest at `gone_by`; None where nobody set a limit."""

    where: str
    gone_by: datetime | None


class Kept(Struct, frozen=True):
    """What stays, and why it may."""

    what: str
    why: str


KEPT = (
    Kept(
        "marks (keyed hashes) of the erased addresses and references",
        "so that older events are not learned again; they name nobody (GDPR art. 11, APPI art. 2)",
    ),
    Kept(
        "consent.v1: who told us to stop writing to them",
        "or they would be written to again (GDPR art. 21(3); 特定電子メール法 第3条第3項)",
    ),
    Kept(
        "the access log: who read which customer id, without name or content",
        "accountability (GDPR art. 5(2); 個人情報保護法 第23条 安全管理措置)",
    ),
    Kept("counts in service figures, cases without contact, subject or words", "they name nobody"),
    Kept(
        "what others wrote, also where they named or copied this person",
        "it is their history (GDPR art. 15(4), 17(3))",
    ),
)


class Certificate(Struct, frozen=True, kw_only=True):
    """A certificate of erasure. `signature` is over everything else (HMAC-SHA-256, hexadecimal)."""

    erasure: UUID
    tenant: str
    basis: str
    reference: str | None
    asked_by: str
    erased_at: datetime
    certified_at: datetime
    done: tuple[Done, ...]
    retained: tuple[Retained, ...]
    kept: tuple[Kept, ...] = KEPT
    signature: str = ""

    @property
    def gone_at(self) -> datetime | None:
        """Return when the last copy is gone; None where nobody set a limit for some."""
        moments = [one.gone_by for one in self.retained]
        known = [moment for moment in moments if moment is not None]
        return max(known, default=self.certified_at) if len(known) == len(moments) else None


def signed(certificate: Certificate, marker: Marker) -> Certificate:
    """Return the certificate with its signature."""
    bare = msgspec.structs.replace(certificate, signature="")
    document = msgspec.json.encode(bare, order="sorted")
    return msgspec.structs.replace(bare, signature=marker.sealed(document))


def is_genuine(certificate: Certificate, marker: Marker) -> bool:
    """Whether the certificate is as we signed it."""
    return signed(certificate, marker).signature == certificate.signature


def readable(certificate: Certificate) -> str:
    """Return the certificate as people read it, in Japanese and English."""
    lines = [
        "個人データ消去証明書 / Certificate of erasure",
        "",
        f"番号 / Number: {certificate.erasure}",
        f"事業者 / Controller: {certificate.tenant}",
        f"根拠 / Ground: {certificate.basis}",
        f"受付番号 / Reference: {certificate.reference or '—'}",
        f"消去日時 / Erased at: {_moment(certificate.erased_at)}",
        f"証明日時 / Certified at: {_moment(certificate.certified_at)}",
        "",
        "消去したもの / Erased",
        *_lines(
            f"{one.where}: {_counts(one.counts)} ({_moment(one.at)})" for one in certificate.done
        ),
        "",
        "自動的に消える写し / Copies that go by themselves",
        *_lines(f"{one.where}: {_until(one.gone_by)}" for one in certificate.retained),
        "",
        "残すものとその理由 / What stays, and why",
        *_lines(f"{one.what}: {one.why}" for one in certificate.kept),
        "",
        f"署名 / Signature (HMAC-SHA-256): {certificate.signature}",
        "",
    ]
    return "\n".join(lines)


def _lines(found: Iterable[str]) -> list[str]:
    return [f"  - {line}" for line in found]


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "0"


def _until(moment: datetime | None) -> str:
    return "期限の設定なし / no limit is set" if moment is None else f"≤ {_moment(moment)}"


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")
