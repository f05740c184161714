"""An authority of one's own, and what it vouches for."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec import Struct

LOOPBACK = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
END = BEGINNING + timedelta(days=36_500)


class Issued(Struct, frozen=True):
    """PEM files of a certificate, of its key, and of both together."""

    certificate: Path
    key: Path
    both: Path


class Authority:
    """Signs certificates for 127.0.0.1; `certificate` is what those hold who trust it."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        self.certificate = folder / f"{name}.pem"
        self.certificate.write_bytes(self._signed(self._name, self._key.public_key(), ca=True))

    def issue(self, name: str) -> Issued:
        """Return a new certificate, for a server here as well as for a client called `name`."""
        key = ec.generate_private_key(ec.SECP256R1())
        form = serialization.PrivateFormat.PKCS8
        secret = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        signed = self._signed(_named(name), key.public_key(), ca=False)
        issued = Issued(*(self._folder / f"{name}-{part}.pem" for part in ("cert", "key", "both")))
        issued.certificate.write_bytes(signed)
        issued.key.write_bytes(secret)
        issued.both.write_bytes(secret + signed)
        issued.key.chmod(0o600)
        return issued

    def _signed(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, ca: bool) -> bytes:
        builder = x509.CertificateBuilder(self._name, subject, key, x509.random_serial_number())
        constraints = x509.BasicConstraints(ca=ca, path_length=None)
        made = (
            builder.not_valid_before(BEGINNING)
            .not_valid_after(END)
            .add_extension(LOOPBACK, critical=False)
            .add_extension(constraints, critical=True)
            .sign(self._key, hashes.SHA256())
        )
        return made.public_bytes(serialization.Encoding.PEM)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
