"""A real IMAP server that tests put mail into, stop and kill."""

import base64
import hmac
import json
import os
import pwd
import shutil
import socket
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

# Not every user's PATH leads to where the system's servers are.
DOVECOT = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin:/usr/local/sbin")
LOOPBACK = "127.0.0.1"
PASSWORD = "合言葉-secret"
USERS = ("support", "sales")

CONFIGURATION = """
base_dir = {folder}/base
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = {ssl}
ssl_cert = <{folder}/certificate.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
default_internal_user = {internal}
default_login_user = {login}
default_internal_group = {group}
auth_mechanisms = plain login xoauth2
auth_failure_delay = 0
imap_capability = {capability}
mail_location = maildir:~/Maildir
first_valid_uid = 1
first_valid_gid = 1
passdb {{
  driver = passwd-file
  mechanisms = plain login
  args = scheme=plain username_format=%u {folder}/users
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {folder}/tokens.conf
}}
userdb {{
  driver = static
  args = uid={owner} gid={owner_group} home={folder}/mail/%u
}}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
"""

# Tokens are checked here, without asking the server that gave them.
TOKENS = """
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={folder}/keys/
username_attribute = sub
"""
TOKEN_KEY = b"only-for-tests-only-for-tests-32"


def access_token(user: str) -> str:
    """Return what an authorisation server would hand to `user` (RFC 9068)."""
    pieces = ({"alg": "HS256", "typ": "JWT"}, {"sub": user, "iat": 0, "exp": 4_000_000_000})
    signed = b".".join(_base64(json.dumps(piece).encode()) for piece in pieces)
    return (signed + b"." + _base64(hmac.digest(TOKEN_KEY, signed, "sha256"))).decode()


def _base64(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


class Dovecot:
    """A Dovecot of one test: mails are put into its maildirs, and it can be stopped and killed."""

    def __init__(self, folder: Path, port: int, tls_port: int) -> None:
        self._folder = folder
        self.port = port
        self.tls_port = tls_port
        self.certificate = folder / "certificate.pem"
        self._process: subprocess.Popen[bytes] | None = None
        self._delivered = 0
        self._owner = pwd.getpwnam("mail") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        for name in ("base", "state", "mail"):
            (folder / name).mkdir()
        for user in USERS:
            self._make_inbox(user)
        self._make_keys()
        self.configure()

    def configure(self, capability: str = "") -> None:
        """Write the configuration; `capability` replaces what the server says that it can."""
        root, me = os.getuid() == 0, self._owner.pw_name
        (self._folder / "dovecot.conf").write_text(
            CONFIGURATION.format(
                folder=self._folder,
                port=self.port,
                tls_port=self.tls_port,
                ssl="yes",
                capability=capability,
                owner=self._owner.pw_uid,
                owner_group=self._owner.pw_gid,
                internal="dovecot" if root else me,
                group="dovecot" if root else self._owner.pw_gid,
                login="dovenull" if root else me,
            ),
            "utf-8",
        )
        self.give_password(PASSWORD)

    def give_password(self, password: str) -> None:
        """Let `support` and `sales` in with this password from now on."""
        users = "".join(f"{user}:{{plain}}{password}\n" for user in USERS)
        (self._folder / "users").write_text(users, "utf-8")

    def start(self) -> None:
        """Return once it accepts connections."""
        assert DOVECOT
        command = [DOVECOT, "-F", "-c", str(self._folder / "dovecot.conf")]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)  # noqa: S603
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                socket.create_connection((LOOPBACK, self.port), 1).close()
            except OSError:
                assert self._process.poll() is None, (self._folder / "log").read_text()
                time.sleep(0.05)
            else:
                return
        raise AssertionError((self._folder / "log").read_text())

    def stop(self) -> None:
        """End it and the sessions that it serves."""
        if self._process:
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    def deliver(self, mail: bytes, user: str = "support") -> None:
        """Put a mail into a user's inbox as a mail server does: written first, then moved."""
        inbox = self._folder / "mail" / user / "Maildir"
        self._delivered += 1
        name = f"{1_768_000_000 + self._delivered}.M{self._delivered}.madoguchi"
        (inbox / "tmp" / name).write_bytes(mail)
        self._hand_over(inbox / "tmp")
        (inbox / "tmp" / name).rename(inbox / "new" / name)

    def renumber(self, user: str = "support") -> None:
        """Give the stopped server's inbox another UIDVALIDITY, as a restored backup has."""
        inbox = self._folder / "mail" / user / "Maildir"
        for index in inbox.glob("dovecot.index*"):
            index.unlink()
        numbers = inbox / "dovecot-uidlist"
        head, _, rest = numbers.read_text().partition("\n")
        validity = head.split()[1]
        numbers.write_text(head.replace(validity, f"V{int(validity[1:]) + 7}") + "\n" + rest)
        self._hand_over(inbox)

    def flags(self, user: str = "support") -> list[str]:
        """Return the flags of every mail, as the files' names tell them."""
        inbox = self._folder / "mail" / user / "Maildir"
        mails = [*(inbox / "new").iterdir(), *(inbox / "cur").iterdir()]
        return [mail.name.partition(":2,")[2] for mail in mails]

    def _make_inbox(self, user: str) -> None:
        home = self._folder / "mail" / user
        for name in ("tmp", "new", "cur"):
            (home / "Maildir" / name).mkdir(parents=True)
        self._hand_over(home)

    def _make_keys(self) -> None:
        key, name = ec.generate_private_key(ec.SECP256R1()), x509.DNSName("localhost")
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        now = datetime(2026, 1, 1, tzinfo=UTC)
        certificate = (
            x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(now)
            .not_valid_after(now + timedelta(days=36_500))
            .add_extension(x509.SubjectAlternativeName([name]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
        form = serialization.PrivateFormat.PKCS8
        self.certificate.write_bytes(certificate.public_bytes(pem))
        (self._folder / "key.pem").write_bytes(key.private_bytes(pem, form, plain))
        keys = self._folder / "keys" / "default" / "HS256"
        keys.mkdir(parents=True)
        (keys / "default").write_bytes(base64.b64encode(TOKEN_KEY))
        (self._folder / "tokens.conf").write_text(TOKENS.format(folder=self._folder), "utf-8")

    def _hand_over(self, folder: Path) -> None:
        if os.getuid() == 0:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, self._owner.pw_uid, self._owner.pw_gid)
