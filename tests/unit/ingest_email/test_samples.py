"""Real mail of others, with the results that its own projects expect of it.

A chosen few lie in tests/samples/mail; `../shared/samples/mail`, where it is there, holds more.
docs/mail-differences.md explains every difference that is allowed for here.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.samples.mail.reading import Reading, read

from common.core.events import MessageKind
from ingest_email.core.quotes import reply_text

ROOT = Path(__file__).parents[3]
OURS = ROOT / "tests" / "samples" / "mail"
SHARED = ROOT.parent / "shared" / "samples" / "mail"
SOURCES = [OURS, *([SHARED] if SHARED.exists() else [])]
MAILS = sorted(path for source in SOURCES for path in source.rglob("*.eml"))

needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="../shared/samples/mail is not here")

# The reference reads these otherwise; each is explained in docs/mail-differences.md.
DIFFERENT = {"malformed/002", "malformed/019"}


@pytest.mark.parametrize("path", MAILS, ids=lambda path: "-".join(path.parts[-5:]))
@pytest.mark.timeout(2)
def test_every_mail_is_read_in_time_and_without_a_fault(path: Path) -> None:
    assert "unreadable" not in read(path.read_bytes()).message.attributes


class Expected:
    """What the JSON of stalwart's mail-parser says of a mail."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._json: dict[str, Any] = json.loads(path.read_text("utf-8"))

    @property
    def name(self) -> str:
        return str(self.path.relative_to(self.path.parents[1]).with_suffix(""))

    @property
    def is_comparable(self) -> bool:
        """Whether the reference itself read every part."""
        return not any(part["is_encoding_problem"] for part in self._json["parts"])

    def mail(self) -> bytes:
        name = self.path.name.removesuffix(".json").removesuffix(".crlf")
        raw = (self.path.parent / f"{name}.eml").read_bytes()
        if ".crlf" not in self.path.suffixes:
            return raw
        return raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")

    def subject(self) -> str:
        value = next(self._values("subject"), None) or {}
        return squeezed(value.get("Text") or "".join(value.get("TextList") or []))

    def addresses(self, *names: str) -> set[tuple[str, str]]:
        found = (value.get("Address") for name in names for value in self._values(name) if value)
        lists = (entry.get("List") or entry.get("Group") for entry in found if entry)
        flat = (item for entry in lists for item in entry)
        mailboxes = (mailbox for item in flat for mailbox in item.get("addresses", [item]))
        return {
            (squeezed(mailbox["address"]), squeezed(mailbox["name"]))
            for mailbox in mailboxes
            if "@" in (mailbox["address"] or "")
        }

    def text(self) -> str | None:
        """Return the text, or None where there is HTML only."""
        parts = [self._json["parts"][number]["body"] for number in self._json["text_body"]]
        if not parts or not all("Text" in part for part in parts):
            return None
        return squeezed("".join(part["Text"] for part in parts).replace("\x00", "␀"))

    def files(self) -> Iterator[tuple[str, bytes]]:
        for number in self._json["attachments"]:
            part = self._json["parts"][number]
            body = part["body"]
            if "Message" not in body:
                text = body.get("Text", body.get("Html", "")).encode()
                content = bytes(body.get("Binary") or body.get("InlineBinary") or text)
                yield squeezed(self._file_name(part)).rpartition("/")[2], content

    def _values(self, name: str) -> Iterator[Any]:
        for header in self._json["parts"][0]["headers"]:
            if header["name"] == name and isinstance(header["value"], dict):
                yield header["value"]

    def _file_name(self, part: Any) -> str:
        fields = [header for header in part["headers"] if "ContentType" in header["value"]]
        named = [
            (header["name"] == "content_type", attribute["value"])
            for header in fields
            for attribute in header["value"]["ContentType"]["attributes"] or []
            if attribute["name"] in ("name", "filename")
        ]
        return min(named, default=(True, ""))[1]


def squeezed(text: str | None) -> str:
    """Return the text without blanks: folding and line ends are told apart elsewhere."""
    return "".join((text or "").split())


def differences(expected: Expected, found: Reading) -> list[str]:
    message = found.message
    files = {
        (squeezed(attachment.name), squeezed(file.content.decode("utf-8", "replace")))
        for attachment, file in zip(message.attachments, found.files, strict=True)
    }
    contents = {content for _, content in files}
    recipients = {(squeezed(p.address), squeezed(p.name)) for p in message.recipients}
    sender = (squeezed(message.sender.address), squeezed(message.sender.name))
    authors = expected.addresses("from")
    wanted = [
        (name, squeezed(content.decode("utf-8", "replace"))) for name, content in expected.files()
    ]
    checks = {
        "subject": expected.subject() == squeezed(message.subject),
        "from": not authors or sender in authors,
        "to": expected.addresses("to", "cc") == recipients,
        "text": expected.text() in (None, squeezed(message.text)),
        "files": all(pair in files or (not pair[0] and pair[1] in contents) for pair in wanted),
    }
    return [name for name, is_equal in checks.items() if not is_equal]


def expectations() -> list[Expected]:
    found = [Expected(path) for path in sorted((SHARED / "stalwart").rglob("*.json"))]
    return [expected for expected in found if expected.is_comparable]


@needs_shared
def test_mails_that_another_parser_can_read_are_read_alike() -> None:
    found = {
        expected.name: differences(expected, read(expected.mail())) for expected in expectations()
    }
    different = {name for name, fields in found.items() if fields}
    assert {name.removesuffix(".crlf") for name in different} <= DIFFERENT
    assert len(different) / len(found) <= 0.05


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.parts[-3])
def test_bounces_are_known_with_their_class_and_recipient(source: Path) -> None:
    expected = json.loads((source / "sisimai" / "expected.json").read_text("utf-8"))
    bounces = {name: told for name, told in expected.items() if told[0]["status"][:1] in ("4", "5")}
    known = 0
    for name, told in bounces.items():
        message = read((source / "sisimai" / name).read_bytes()).message
        classes = {entry["status"][:1] for entry in told}
        known += (
            message.kind is MessageKind.BOUNCE
            and message.attributes["bounce_status"][:1] in classes
            and "bounce_recipient" in message.attributes
        )
    assert known / len(bounces) >= 0.9


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.parts[-3])
def test_absence_notices_and_complaints_are_no_bounces(source: Path) -> None:
    expected = json.loads((source / "sisimai" / "expected.json").read_text("utf-8"))
    others = [
        name for name, told in expected.items() if told[0]["reason"] in ("vacation", "feedback")
    ]
    kinds = {read((source / "sisimai" / name).read_bytes()).message.kind for name in others}
    assert kinds <= {MessageKind.AUTO_REPLY, MessageKind.SYSTEM}


@needs_shared
def test_replies_in_many_languages_are_trimmed_as_their_project_trims_them() -> None:
    folder = SHARED / "reply-trimmer"
    exact = [
        squeezed(reply_text(path.read_text("utf-8")))
        == squeezed((folder / "trimmed" / path.name).read_text("utf-8"))
        for path in (folder / "emails").glob("*.txt")
    ]
    assert sum(exact) >= 24
