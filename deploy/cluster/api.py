"""The Kubernetes API, as far as the chart's tests ask it: any object, by what it says of itself."""

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

LIMIT_SECONDS = 60

Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """What the server said: its status code, the object or the complaint, and its warnings."""

    code: int
    body: Manifest
    warnings: tuple[str, ...]

    @property
    def complaint(self) -> str:
        """Return why it refused, or what it warns of; "" where all is well."""
        refusal = (
            str(self.body.get("message", self.body)) if self.code >= httpx.codes.BAD_REQUEST else ""
        )
        return "; ".join(filter(None, (refusal, *self.warnings)))


class Api:
    """A connection that may do everything. Each answer is returned, refusals too."""

    def __init__(self, url: str, token: str, certificate: Path) -> None:
        self._client = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            verify=ssl.create_default_context(cafile=str(certificate)),
            timeout=LIMIT_SECONDS,
        )
        self._plural = cache(self._look_up)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client.close()

    def is_ready(self) -> bool:
        """Tell whether the server says that it is."""
        return self._client.get("/readyz").is_success

    def knows(self, version: str, kind: str) -> bool:
        """Tell whether the server has objects of a kind, in such a version (`apps/v1`)."""
        return kind in self._kinds(version)

    def create(self, manifest: Manifest, *, namespace: str = "", dry_run: bool = False) -> Answer:
        """Make an object; a field that it does not have is refused."""
        options = {"fieldValidation": "Strict", **({"dryRun": "All"} if dry_run else {})}
        path = self._collection(manifest, namespace)
        return self._answer(self._client.post(path, params=options, json=manifest))

    def apply(self, manifest: Manifest, *, namespace: str, manager: str) -> Answer:
        """Apply an object on the server's side without force: a field of another's is a conflict."""
        path = self._path(manifest, namespace)
        return self._patch(
            path, manifest, "apply-patch+yaml", fieldManager=manager, fieldValidation="Strict"
        )

    def change(self, manifest: Manifest, part: str, to: Manifest, *, namespace: str) -> Answer:
        """Merge `to` into a part of an object, such as its status or its scale."""
        return self._patch(f"{self._path(manifest, namespace)}/{part}", to, "merge-patch+json")

    def read(self, manifest: Manifest, *, namespace: str) -> Answer:
        """Return the object of this kind and name as it stands."""
        return self._answer(self._client.get(self._path(manifest, namespace)))

    def listed(self, version: str, kind: str, *, namespace: str) -> list[Manifest]:
        """Return all objects of a kind in a namespace."""
        path = self._collection({"apiVersion": version, "kind": kind}, namespace)
        return list(self._client.get(path).raise_for_status().json()["items"])

    def _patch(self, path: str, body: Manifest, form: str, **options: str) -> Answer:
        headers = {"Content-Type": f"application/{form}"}
        content = json.dumps(body)
        return self._answer(
            self._client.patch(path, content=content, headers=headers, params=options)
        )

    def _path(self, manifest: Manifest, namespace: str) -> str:
        return f"{self._collection(manifest, namespace)}/{manifest['metadata']['name']}"

    def _collection(self, manifest: Manifest, namespace: str) -> str:
        version, kind = manifest["apiVersion"], manifest["kind"]
        inside = f"/namespaces/{namespace}" if namespace else ""
        return f"{root_of(version)}{inside}/{self._plural(version, kind)}"

    def _look_up(self, version: str, kind: str) -> str:
        return self._kinds(version)[kind]

    def _kinds(self, version: str) -> Mapping[str, str]:
        """Return what each kind's objects are called in a path."""
        answer = self._client.get(root_of(version))
        resources = answer.json()["resources"] if answer.is_success else []
        return {one["kind"]: one["name"] for one in resources if "/" not in one["name"]}

    def _answer(self, response: httpx.Response) -> Answer:
        warnings = tuple(response.headers.get_list("warning"))
        return Answer(response.status_code, response.json(), warnings)


def root_of(version: str) -> str:
    """Return the path below which the objects of a version are."""
    return f"/apis/{version}" if "/" in version else f"/api/{version}"
