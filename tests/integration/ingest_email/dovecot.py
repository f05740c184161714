"""A real IMAP server that tests put mail into, stop and kill."""

import os
import pwd
import shutil
import socket
import subprocess
import time
from pathlib import Path

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
ssl = no
disable_plaintext_auth = no
default_internal_user = {internal}
default_login_user = {login}
default_internal_group = {group}
auth_mechanisms = plain login
auth_failure_delay = 0
imap_capability = {capability}
mail_location = maildir:~/Maildir
first_valid_uid = 1
first_valid_gid = 1
passdb {{
  driver = passwd-file
  args = scheme=plain username_format=%u {folder}/users
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
    port = 0
  }}
}}
"""


class Dovecot:
    """A Dovecot of one test: mails are put into its maildirs, and it can be stopped and killed."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None
        self._delivered = 0
        self._owner = pwd.getpwnam("mail") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        for name in ("base", "state", "mail"):
            (folder / name).mkdir()
        for user in USERS:
            self._make_inbox(user)
        self.configure()

    def configure(self, capability: str = "") -> None:
        """Write the configuration; `capability` replaces what the server says that it can."""
        root, me = os.getuid() == 0, self._owner.pw_name
        (self._folder / "dovecot.conf").write_text(
            CONFIGURATION.format(
                folder=self._folder,
                port=self.port,
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

    def _hand_over(self, folder: Path) -> None:
        if os.getuid() == 0:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, self._owner.pw_uid, self._owner.pw_gid)
