import pytest
from hypothesis import given, strategies as st

from ingest_email.core.parameters import read_structured


@pytest.mark.parametrize(
    ("raw", "value", "parameters"),
    [
        (b"Text/Plain; charset=UTF-8", "text/plain", {"charset": "UTF-8"}),
        (b'multipart/mixed; boundary="a;b=c"', "multipart/mixed", {"boundary": "a;b=c"}),
        (b'multipart/mixed boundary="ab"', "multipart/mixed", {"boundary": "ab"}),
        (b"attachment; filename=two words.txt", "attachment", {"filename": "two words.txt"}),
        (b'attachment; filename="a\\"b\\\\c"', "attachment", {"filename": 'a"b\\c'}),
        (b'attachment; filename="open', "attachment", {"filename": "open"}),
        (
            b"attachment; filename*=utf-8''%E8%A6%8B%E7%A9%8D.pdf",
            "attachment",
            {"filename": "見積.pdf"},
        ),
        (b"a; filename=\"x\"; filename*=utf-8''y", "a", {"filename": "y"}),
        (b"a; filename*0=ab; filename*1=cd; filename*2=ef", "a", {"filename": "abcdef"}),
        (b"a; filename*1=cd; filename*0=ab", "a", {"filename": "abcd"}),
        (
            b"a; filename*0*=utf-8'ja'%E8%A6; filename*1*=%8B; filename*2=.pdf",
            "a",
            {"filename": "見.pdf"},
        ),
        (b"a; filename*0*=%41; filename*1=b", "a", {"filename": "Ab"}),
        (b'a; filename="=?utf-8?b?6KaL56mN?="', "a", {"filename": "見積"}),
        (b'a; filename*0="=?utf-8?b?6KaL"; filename*1="56mN?="', "a", {"filename": "見積"}),
        (b"a; x*y=1", "a", {"x*y": "1"}),
        (b"", "", {}),
        (b";;;", "", {}),
    ],
)
def test_parameters_as_they_occur(raw: bytes, value: str, parameters: dict[str, str]) -> None:
    read = read_structured(raw)
    assert (read.value, read.parameters) == (value, parameters)


def test_sections_cut_within_an_iso_2022_jp_escape_are_joined_before_they_are_read() -> None:
    raw = "見積書.pdf".encode("iso2022_jp")
    sections = [
        f"filename*{number}*={prefix}{''.join(f'%{byte:02X}' for byte in raw[start : start + 4])}"
        for number, (start, prefix) in enumerate(
            (start, "iso-2022-jp'ja'" if start == 0 else "") for start in range(0, len(raw), 4)
        )
    ]
    read = read_structured(("attachment; " + "; ".join(sections)).encode())
    assert read.get("filename") == "見積書.pdf"


def test_a_field_of_thousands_of_parameters_is_read_as_far_as_anybody_writes() -> None:
    read = read_structured(b"a" + b"".join(b"; p%d=1" % number for number in range(5_000)))
    assert len(read.parameters) == 100


@given(st.binary() | st.text(st.sampled_from("a;=*0'%\"\\ \nあ")).map(lambda text: text.encode()))
def test_no_field_is_too_odd(raw: bytes) -> None:
    read_structured(raw)
