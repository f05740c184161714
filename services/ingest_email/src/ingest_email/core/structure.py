"""What the parts alone say about a mail that has little or nothing to read."""

from ingest_email.core.report_fields import leaves
from ingest_email.core.tree import Part

_ENCRYPTED = {
    "application/pgp-encrypted": "pgp",
    "application/pkcs7-mime": "smime",
    "application/x-pkcs7-mime": "smime",
}


def structure_labels(root: Part) -> dict[str, str]:
    """Return `encrypted` (`pgp`, `smime`), which nobody here can read, and `calendar`.

    The latter is the method of an invitation (RFC 5546): `request`, `reply`, `cancel`, …
    """
    labels: dict[str, str] = {}
    for part in leaves(root):
        if part.media_type in _ENCRYPTED and _is_enveloped(part):
            labels["encrypted"] = _ENCRYPTED[part.media_type]
        if part.media_type == "text/calendar":
            labels["calendar"] = part.content_type.get("method").casefold() or "publish"
    return labels


def _is_enveloped(part: Part) -> bool:
    """Whether it is closed; S/MIME sends mail that is merely signed under the same type."""
    return part.content_type.get("smime-type").casefold() != "signed-data"
