"""What providers' signature checks share."""

import pytest
from hypothesis import given, strategies as st

from common.core.signatures import equal, hmac_base64, hmac_hex, sha256_hex, unbase64, verified

any_text = st.text(st.characters(codec=None, categories=None), max_size=20)


def test_a_signature_by_any_of_the_secrets_is_verified() -> None:
    given_signature = hmac_hex("sha256", b"old", b"body")
    assert verified(("new", "old"), given_signature, lambda key: hmac_hex("sha256", key, b"body"))


@pytest.mark.parametrize("secrets", [(), ("",), ("wrong",)])
def test_no_secret_an_empty_one_or_another_verifies_nothing(secrets: tuple[str, ...]) -> None:
    signed_with_nothing = hmac_base64("sha256", b"", b"body")
    assert not verified(
        secrets, signed_with_nothing, lambda key: hmac_base64("sha256", key, b"body")
    )


def test_a_missing_signature_is_not_verified() -> None:
    assert not verified(("secret",), None, lambda _key: "signature")


@given(any_text, any_text)
def test_comparing_never_raises_and_is_equality(left: str, right: str) -> None:
    assert equal(left, right) == (left == right)
    assert equal(left, left)


def test_digests_are_written_as_providers_write_them() -> None:
    assert sha256_hex(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("YQ==", b"a"),
        ("YQ", b"a"),
        ("-_8", b"\xfb\xff"),
        ("+/8=", b"\xfb\xff"),
        ("", b""),
        ("é", None),
        ("Y", None),
        ("YR", None),
    ],
)
def test_base64_is_read_in_either_alphabet_padded_or_not(text: str, content: bytes | None) -> None:
    assert unbase64(text) == content
