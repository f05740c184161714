"""Releases of a chart on a cluster without controllers: what a Job's controller would do at its end is done here."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from checks.chart import helm
from cluster.api import Api, Manifest
from cluster.server import Cluster
from local_stack.errors import StackError
from local_stack.settings import environment_with
from local_stack.waiting import wait_for

LIMIT_SECONDS = 120
JOB = "batch/v1", "Job"
DEPLOYMENT = "apps/v1", "Deployment"


@dataclass(frozen=True)
class Ended:
    """A Job that we ended, and which generation each Deployment had at that moment."""

    job: str
    deployments: tuple[tuple[str, int], ...]


class Release:
    """One release in a namespace. Every method returns when helm does; it raises StackError if helm complains."""

    def __init__(self, cluster: Cluster, api: Api, namespace: str, name: str) -> None:
        self.namespace = namespace
        self.ended: list[Ended] = []
        self._api = api
        self._name = name
        homes = {
            f"HELM_{what}_HOME": str(cluster.home / "helm") for what in ("CACHE", "CONFIG", "DATA")
        }
        self._environment = environment_with({"KUBECONFIG": str(cluster.kubeconfig), **homes})

    def install(self, chart: str, options: Sequence[str]) -> None:
        """Install the chart; its hooks' Jobs end well as soon as they are there."""
        self._helm("install", self._name, chart, *options)

    def upgrade(self, chart: str, options: Sequence[str]) -> None:
        """Upgrade to the chart, and end the Jobs of its hooks likewise."""
        self._helm("upgrade", self._name, chart, *options)

    def rollback(self) -> None:
        """Go back to the revision before."""
        self._helm("rollback", self._name)

    def uninstall(self) -> None:
        """Take away what the release has."""
        self._helm("uninstall", self._name)

    def _helm(self, *words: str) -> None:
        command = [str(helm()), *words, "--namespace", self.namespace]
        with subprocess.Popen(
            command,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as running:
            try:
                wait_for(lambda: self._ends_while(running), LIMIT_SECONDS)
            finally:
                running.kill()
            said, _ = running.communicate()
        if running.returncode:
            raise StackError(f"helm {words[0]}: {said.strip()}")

    def _ends_while(self, running: subprocess.Popen[str]) -> bool:
        for job in self._api.listed(*JOB, namespace=self.namespace):
            if not job.get("status", {}).get("conditions"):
                self._end(job)
        return running.poll() is not None

    def _end(self, job: Manifest) -> None:
        deployments = self._api.listed(*DEPLOYMENT, namespace=self.namespace)
        generations = (
            (one["metadata"]["name"], one["metadata"]["generation"]) for one in deployments
        )
        self.ended.append(Ended(job["metadata"]["name"], tuple(sorted(generations))))
        named = {"apiVersion": JOB[0], "kind": JOB[1], "metadata": job["metadata"]}
        answer = self._api.change(
            named, "status", {"status": succeeded(job)}, namespace=self.namespace
        )
        if answer.complaint:
            raise StackError(f"Job {job['metadata']['name']}: {answer.complaint}")


def succeeded(job: Manifest) -> Manifest:
    """Return the status of a Job whose only pod did what it should."""
    at = job["metadata"]["creationTimestamp"]
    conditions = [
        {"type": name, "status": "True", "lastProbeTime": at, "lastTransitionTime": at}
        for name in ("SuccessCriteriaMet", "Complete")
    ]
    return {"startTime": at, "completionTime": at, "succeeded": 1, "conditions": conditions}
