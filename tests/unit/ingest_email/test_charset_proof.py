"""No U+FFFD where the bytes decode under a charset that the mail declares or that shows itself.

Every header and text of every sample mail is held against its own bytes.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest_email.core.charsets import canonical
from ingest_email.core.content import read_text
from ingest_email.core.report_fields import leaves
from ingest_email.core.tree import Part, read_tree
from ingest_email.core.words import decode_header

ROOT = Path(__file__).parents[3]
SOURCES = (ROOT / "tests" / "samples" / "mail", ROOT.parent / "shared" / "samples" / "mail")
MAILS = sorted(path for source in SOURCES for path in source.rglob("*.eml"))

# Charsets whose bytes tell them apart. Single-byte ones that define every byte would turn any damage into letters.
DETECTABLE = (
    *("utf-8", "cp932", "euc_jp", "iso2022_jp_ext", "iso2022_kr", "gb18030", "big5hkscs", "cp949"),
    *("cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1257"),
)
SENT = "\ufffd".encode()  # what was lost before it was sent cannot be found again


def all_parts(part: Part) -> Iterator[Part]:
    yield part
    for child in part.children:
        yield from all_parts(child)


def read_with_loss(root: Part) -> Iterator[tuple[str, bytes]]:
    """Yield (declared charset, bytes) of each header and text that is shown with U+FFFD."""
    for part in all_parts(root):
        for _, raw in part.headers.fields:
            if "\ufffd" in decode_header(raw):
                yield "", raw
    for part in leaves(root):
        if part.media_type.startswith("text/") and "\ufffd" in read_text(part):
            yield part.content_type.get("charset"), part.content()


def can_be_read(raw: bytes, codec: str) -> bool:
    try:
        return "\ufffd" not in raw.decode(codec)
    except UnicodeError:
        return False


@pytest.mark.parametrize("path", MAILS, ids=lambda path: "-".join(path.parts[-5:]))
def test_what_is_shown_as_lost_can_be_read_by_nobody(path: Path) -> None:
    for declared, raw in read_with_loss(read_tree(path.read_bytes())):
        if SENT not in raw:
            codecs = (canonical(declared) or "utf-8", *DETECTABLE)
            assert [codec for codec in codecs if can_be_read(raw, codec)] == []


def test_the_samples_are_many() -> None:
    assert len(MAILS) >= 10
