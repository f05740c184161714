"""How Twilio signs a request ("Webhooks security", as twilio-python's RequestValidator checks it)."""

import re
from functools import partial

from common.core.adapters import ChannelAccount, Original
from common.core.payloads import form_fields
from common.core.signatures import equal, hmac_base64, sha256_hex, verified

_FORM = "application/x-www-form-urlencoded"
_SIGNATURE = "x-twilio-signature"
_SETTINGS = "x-twilio-webhooks-signature-settings"
_ALGORITHMS = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}
_URL = re.compile(r"(https?)://([^/?#]*?)(?::([0-9]+))?([/?].*)?", re.DOTALL)
_DEFAULT_PORT = {"http": "80", "https": "443"}


def authentic(original: Original, account: ChannelAccount) -> bool:
    """Whether one of the account's secrets signed the public URL and the whole content.

    A secret is an Auth Token, or `<key id>=<secret>` for a SharedKey: a request that names a
    SharedKey is checked with that key alone, and every other one with Auth Tokens alone.
    """
    key_id, algorithm = _settings(original.headers.get(_SETTINGS, ""))
    if algorithm is None or not _covers_body(original):
        return False
    given, fields = original.headers.get(_SIGNATURE), _signed_fields(original)
    secrets = _secrets(account, key_id)
    return any(
        verified(secrets, given, partial(_digest, algorithm, url + fields))
        for url in _spellings(original.url)
    )


def _is_form(original: Original) -> bool:
    return original.headers.get("content-type", "").lower().startswith(_FORM)


def _settings(header: str) -> tuple[str | None, str | None]:
    """Return the SharedKey's id (None: the Auth Token) and the hash (None: not one of Twilio's)."""
    named = dict(part.strip().partition("=")[::2] for part in header.split(","))
    if "algorithm" not in named:
        return None, "sha1"
    return named.get("key", ""), _ALGORITHMS.get(named["algorithm"])


def _secrets(account: ChannelAccount, key_id: str | None) -> list[str]:
    if key_id is None:
        return [secret for secret in account.secrets if "=" not in secret]
    prefix = f"{key_id}="
    return [secret.removeprefix(prefix) for secret in account.secrets if secret.startswith(prefix)]


def _covers_body(original: Original) -> bool:
    """Whether the signature speaks for the body: by its fields, or by a hash within the URL."""
    if original.method == "GET" or _is_form(original):
        return True
    query = dict(form_fields(original.url.partition("?")[2]))
    return equal(query.get("bodySHA256", ""), sha256_hex(original.body))


def _signed_fields(original: Original) -> str:
    if original.method == "GET" or not _is_form(original):
        return ""
    return "".join(name + value for name, value in sorted(set(form_fields(original.body))))


def _spellings(url: str) -> set[str]:
    """Return the URL without and with its port: Twilio signs now the one, now the other."""
    match = _URL.fullmatch(url)
    if match is None:
        return {url}
    scheme, host, port, rest = match.groups()
    return {
        f"{scheme}://{host}{suffix}{rest or ''}"
        for suffix in ("", f":{port or _DEFAULT_PORT[scheme]}")
    }


def _digest(algorithm: str, text: str, key: bytes) -> str:
    return hmac_base64(algorithm, key, text.encode("utf-8", "surrogatepass"))
