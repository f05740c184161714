"""A cluster of nothing but its API: etcd and kube-apiserver on loopback ports, with keys that end with them.

No controllers run, and there are no nodes: a Deployment makes no pods here, and a Job never ends by itself.
"""

import secrets
from pathlib import Path

import httpx
import yaml
from joserfc.jwk import ECKey

from cluster.api import Api
from cluster.programs import folder as programs
from local_stack.daemons import Daemon
from local_stack.ports import LOOPBACK, free_port, is_open
from local_stack.private_files import write_private

START_LIMIT_SECONDS = 120
STOP_LIMIT_SECONDS = 20
CURVE = "P-256"


class Cluster:
    """An API server in `home`, of whom only the owner of its folder has the token."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.kubeconfig = home / "kubeconfig"
        self.certificate = home / "certificates" / "apiserver.crt"
        self._etcd = Daemon("etcd", home)
        self._server = Daemon("kube-apiserver", home)
        self._port, self._store, self._peers = free_port(), free_port(), free_port()
        self._token = secrets.token_urlsafe(24)

    @property
    def url(self) -> str:
        """Return where the server answers."""
        return f"https://{LOOPBACK}:{self._port}"

    def start(self) -> None:
        """Start both programs and return once the server is ready. Raises StartError."""
        self.home.mkdir(parents=True, exist_ok=True)
        self._etcd.launch([str(programs() / "etcd"), *self._etcd_options()])
        self._etcd.wait_until(lambda: is_open(self._store), limit=START_LIMIT_SECONDS)
        key = ECKey.generate_key(CURVE)
        write_private(self._key, key.as_pem(private=True).decode())
        self._public_key.write_bytes(key.as_pem(private=False))
        # system:masters may do everything.
        write_private(self._tokens, f"{self._token},tests,tests,system:masters\n")
        self._server.launch([str(programs() / "kube-apiserver"), *self._server_options()])
        self._server.wait_until(self._is_ready, limit=START_LIMIT_SECONDS)
        write_private(self.kubeconfig, yaml.safe_dump(self._way_in()))

    def stop(self) -> None:
        """End both programs."""
        self._server.stop(limit=STOP_LIMIT_SECONDS)
        self._etcd.stop(limit=STOP_LIMIT_SECONDS)

    def api(self) -> Api:
        """Return a connection to a server that has started; whoever asks closes it."""
        return Api(self.url, self._token, self.certificate)

    @property
    def _key(self) -> Path:
        return self.home / "secrets" / "service-accounts.pem"

    @property
    def _public_key(self) -> Path:
        return self.home / "secrets" / "service-accounts.pub"

    @property
    def _tokens(self) -> Path:
        return self.home / "secrets" / "tokens.csv"

    def _is_ready(self) -> bool:
        if not self.certificate.exists():
            return False
        try:
            with self.api() as api:
                return api.is_ready()
        except (httpx.TransportError, OSError):
            return False

    def _etcd_options(self) -> list[str]:
        clients, peers = f"http://{LOOPBACK}:{self._store}", f"http://{LOOPBACK}:{self._peers}"
        return [
            f"--data-dir={self.home / 'etcd'}",
            f"--listen-client-urls={clients}",
            f"--advertise-client-urls={clients}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster=default={peers}",
            # Nothing of it outlives the tests.
            "--unsafe-no-fsync",
        ]

    def _server_options(self) -> list[str]:
        return [
            f"--etcd-servers=http://{LOOPBACK}:{self._store}",
            f"--bind-address={LOOPBACK}",
            f"--advertise-address={LOOPBACK}",
            f"--secure-port={self._port}",
            # It makes a certificate of its own there.
            f"--cert-dir={self.certificate.parent}",
            f"--token-auth-file={self._tokens}",
            "--authorization-mode=RBAC",
            # As most clusters: what a pod may do is for the namespace to say.
            "--allow-privileged=true",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self._public_key}",
            f"--service-account-signing-key-file={self._key}",
            "--service-cluster-ip-range=10.0.0.0/24",
            # It would publish its own address, and may not: it is a loopback one.
            "--endpoint-reconciler-type=none",
        ]

    def _way_in(self) -> object:
        cluster = {"server": self.url, "certificate-authority": str(self.certificate)}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "own", "cluster": cluster}],
            "users": [{"name": "tests", "user": {"token": self._token}}],
            "contexts": [{"name": "own", "context": {"cluster": "own", "user": "tests"}}],
            "current-context": "own",
        }
