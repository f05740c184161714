"""All dashboards."""

from observability.channels import CHANNELS
from observability.path import PATH
from observability.router import ROUTER
from observability.timeline import TIMELINE

DASHBOARDS = (PATH, CHANNELS, ROUTER, TIMELINE)
