"""What operators add to an API server: the definitions of their objects, as their own packages have them."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from cluster.programs import find_go, folder
from cluster.strimzi import STRIMZI_FILES, write_definitions
from local_stack.errors import MissingToolError, StackError


@dataclass(frozen=True)
class Source:
    """Files of a Go module, of which `checksum` is what a go.sum would say."""

    module: str
    checksum: str
    below: str
    files: tuple[str, ...]


SOURCES = (
    Source(
        "sigs.k8s.io/gateway-api@v1.6.3",
        "h1:lKpJa5bGlraC/QeACvCpsHLdmO6y0iKfzVl6gzaFEYc=",
        "config/crd/standard",
        ("gateway.networking.k8s.io_httproutes.yaml",),
    ),
    Source(
        "github.com/kedacore/keda/v2@v2.21.0",
        "h1:R6z2HZvstK4RLUMxroNACzBj74xGxt3kG59b5Xc+Xps=",
        "config/crd/bases",
        ("keda.sh_scaledobjects.yaml", "keda.sh_triggerauthentications.yaml"),
    ),
    Source(
        "github.com/prometheus-operator/prometheus-operator@v0.92.0",
        "h1:tAbsod3+9sQsxDeAvLP27dAe9terToht5M+YdDwLGP0=",
        "example/prometheus-operator-crd",
        (
            "monitoring.coreos.com_servicemonitors.yaml",
            "monitoring.coreos.com_podmonitors.yaml",
            "monitoring.coreos.com_prometheusrules.yaml",
        ),
    ),
    Source(
        "github.com/cloudnative-pg/cloudnative-pg@v1.29.0",
        "h1:49Dm8+y4va7RODspJjeaK8uMWP3OGAD0gMsxhjm16Mo=",
        "config/crd/bases",
        ("postgresql.cnpg.io_clusters.yaml",),
    ),
)


def here() -> Path:
    """Return the folder of what was fetched."""
    return folder() / "definitions"


def fetch() -> None:
    """Fetch what is not there yet. Raises StackError where a module is not the one we know."""
    here().mkdir(parents=True, exist_ok=True)
    for source in SOURCES:
        if not all((here() / name).exists() for name in source.files):
            copy(source)
    try:
        if not all((here() / name).exists() for name in STRIMZI_FILES):
            write_definitions(here())
    except MissingToolError as error:
        # The rest is worth having; the tests say which objects they leave out.
        print(f"kubernetes: without Strimzi's objects: {error}", file=sys.stderr)


def copy(source: Source) -> None:
    """Put a module's files where the server finds them, if it is the module we know."""
    command = [find_go(), "mod", "download", "-json", source.module]
    # Elsewhere than in a module, whose go.mod would have its say.
    told = json.loads(
        subprocess.run(command, cwd=here(), capture_output=True, text=True, check=False).stdout
    )
    if told.get("Sum") != source.checksum:
        raise StackError(
            f"{source.module} is not what it was: {told.get('Error') or told.get('Sum')}."
        )
    for name in source.files:
        shutil.copyfile(Path(told["Dir"]) / source.below / name, here() / name)
