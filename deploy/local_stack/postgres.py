"""One PostgreSQL server as a local process, never as root, with a password from its first second."""

import hashlib
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from local_stack.accounts import Account, server_account
from local_stack.daemons import Daemon
from local_stack.errors import StackError, StartError
from local_stack.ports import LOOPBACK, require_free
from local_stack.postgres_tools import find_postgres
from local_stack.private_files import write_private

SUPERUSER = "postgres"
START_LIMIT_SECONDS = 60
STOP_LIMIT_SECONDS = 30
PUBLIC_FOLDERS = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108 -- for when TMPDIR is private
# glibc gives memory back after each statement and asks for it again for the next: with a history
# of two years a hundred pages each time, a fifth of what a page of it costs.
KEEPS_MEMORY = {
    "MALLOC_TOP_PAD_": "4194304",
    "MALLOC_TRIM_THRESHOLD_": "16777216",
    "MALLOC_MMAP_THRESHOLD_": "16777216",
}
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "TZ": "UTC", **KEEPS_MEMORY}

SETTINGS: dict[str, str] = {
    "listen_addresses": LOOPBACK,
    # Only TCP: the default socket folder belongs to the system's own server.
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "synchronous_commit": "on",
    # Whole pages go into the log after each checkpoint; pglz would take as long as all else an
    # assignment costs.
    "wal_compression": "lz4",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_min_duration_statement": "1000",
}
# What only a power cut could hurt, and a folder that is thrown away need not pay for.
THROWAWAY: dict[str, str] = {"fsync": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class PostgresAddress:
    """Where a server is and how its superuser logs in."""

    host: str
    port: int
    user: str
    password: str

    def url(self, database: str = "postgres", *, user: str = "", password: str = "") -> str:
        """Return a URL for `database`, as the superuser unless `user` and `password` are given."""
        login = f"{_quoted(user or self.user)}:{_quoted(password or self.password)}"
        return f"postgresql://{login}@{self.host}:{self.port}/{_quoted(database)}"


class PostgresServer:
    """A cluster below `folder`; `stop`, `kill` and `restart` keep its data."""

    def __init__(self, folder: Path, port: int, *, settings: Mapping[str, str] = SETTINGS) -> None:
        self.port = port
        self.settings = settings
        self.secret = folder.absolute() / "secrets" / "postgres"
        self.daemon = Daemon("postgres", folder)
        self.account = server_account()
        self._folder = folder.absolute()

    @cached_property
    def home(self) -> Path:
        """Return the server's own folder, made when it is first asked for."""
        return home_of(self._folder / "postgres", self.account)

    @property
    def address(self) -> PostgresAddress:
        """Return where the server is. Known once it was started."""
        return PostgresAddress(LOOPBACK, self.port, SUPERUSER, self.secret.read_text())

    @property
    def data(self) -> Path:
        """Return the cluster's data folder."""
        return self.home / "data"

    def start(self) -> None:
        """Start the server if it does not run, and return when it takes connections."""
        if not self.daemon.identity:
            require_free(self.port, "PostgreSQL")
            tools = self._tools()
            # The secret is written last: without it the data is half made, or nobody's any more.
            if not self.secret.exists():
                shutil.rmtree(self.data, ignore_errors=True)
                self._create_cluster(tools)
            self.daemon.launch(
                [str(tools / "postgres"), "-D", str(self.data), *self._arguments()],
                environment=ENVIRONMENT,
                account=self.account,
                folder=self.home,
            )
        self.daemon.wait_until(self.is_ready, limit=START_LIMIT_SECONDS)

    def stop(self) -> None:
        """Shut down in order. Sessions are ended, not waited for (a "fast" shutdown)."""
        self.daemon.stop(limit=STOP_LIMIT_SECONDS, signal_number=signal.SIGINT)

    def kill(self) -> None:
        """End the server as a crash would; the next start recovers from the write-ahead log."""
        self.daemon.kill()
        # Where nobody reaps orphans, the dead server's pid still exists and a new one would yield to it.
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def restart(self) -> None:
        """Stop in order if it runs, then start on the same data and port."""
        self.stop()
        self.start()

    def is_ready(self) -> bool:
        """Tell whether this very server takes connections: it says so in the file pg_ctl reads, too."""
        known = self.daemon.identity
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        if known is None or not lines:  # it is being written
            return False
        return lines[0] == str(known.pid) and lines[-1].strip() == "ready"

    def destroy(self) -> None:
        """Stop, and delete the data, wherever it had to be put."""
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def _arguments(self) -> list[str]:
        settings = {"port": str(self.port), **self.settings}
        return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]

    def _tools(self) -> Path:
        """Return PostgreSQL's programs, copied if they lie where its account may not go."""
        found = find_postgres()
        if not self.account or self.account.can_enter(found):
            return found
        copy = self.home / "programs"
        if not copy.exists():
            shutil.copytree(found.parent, copy, symlinks=True)
        return copy / "bin"

    def _create_cluster(self, tools: Path) -> None:
        password = secrets.token_urlsafe(24)
        password_file = self.home / "password"
        write_private(password_file, password)
        if self.account:
            self.account.own(password_file)
        made = subprocess.run(
            [
                *(str(tools / "initdb"), "-D", str(self.data), "-U", SUPERUSER),
                *("--auth=scram-sha-256", f"--pwfile={password_file}"),
                *("--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums"),
            ],
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            **(self.account.as_options() if self.account else {}),
        )
        password_file.unlink()
        if made.returncode != 0:
            raise StartError(f"PostgreSQL's data could not be initialised: {made.stdout.strip()}")
        write_private(self.secret, password)


def home_of(wanted: Path, account: Account | None) -> Path:
    """Return a folder of `account` that it can reach: `wanted`, or else one among the temporary files."""
    wanted.parent.mkdir(parents=True, exist_ok=True)
    home = wanted
    if account and not account.can_enter(wanted.parent):
        mark = hashlib.sha256(str(wanted).encode()).hexdigest()[:12]
        home = _public_folder(account) / f"madoguchi-{mark}"
    home.mkdir(mode=0o700, exist_ok=True)
    if account:
        account.own(home)
    return home


def _public_folder(account: Account) -> Path:
    for folder in (Path(tempfile.gettempdir()), *PUBLIC_FOLDERS):
        if account.can_enter(folder):
            return folder
    raise StackError(f"there is no folder that the account {account.name} may enter.")


def _quoted(part: str) -> str:
    return quote(part, safe="")
