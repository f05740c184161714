"""What the parts alone say about a mail that has little or nothing to read."""

from ingest_email.core.report_fields import leaves
from ingest_email.core.tree import Part

_ENCRYPTED = {
    "application/pgp-encrypted": "pgp",
    "application/pkcs7-mime": "smime",
    "application/x-pkcs7-mime": "smime",
}


def structure_labels(root: Part) -> dict[str, str]:
    """Return `encrypted` (`pgp`, `smime`), which nobody here can read."""
    closed = [
        part for part in leaves(root) if part.media_type in _ENCRYPTED and _is_enveloped(part)
    ]
    return {"encrypted": _ENCRYPTED[closed[-1].media_type]} if closed else {}


def _is_enveloped(part: Part) -> bool:
    """Whether it is closed; S/MIME sends mail that is merely signed under the same type."""
    return part.content_type.get("smime-type").casefold() != "signed-data"
