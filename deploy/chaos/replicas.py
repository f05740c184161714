"""Two routers over one bus and one database, one of which is killed every few seconds."""

import asyncio
from pathlib import Path
from random import Random

from local_stack.layout import ROOT
from local_stack.ports import LOOPBACK, free_port
from local_stack.readiness import wait_until_ready
from local_stack.report import Report
from local_stack.services import ServiceProcess
from local_stack.stack import Stack

HURRIED = """
assignment:
  offer_timeout: 4s
  pause: 2s
  pause_at_most: 8s
  wrap_up: 1s
  heartbeat: 6s
  take_back: 12s
"""


def routers_on(stack: Stack, count: int = 2) -> list[ServiceProcess]:
    """Return routers of a stack, not started yet, with rules whose offers end within seconds."""
    rules = (ROOT / "deploy" / "local" / "rules.yaml").read_text("utf-8")
    file = stack.home / "rules.yaml"
    file.write_text(without_assignment(rules) + HURRIED, "utf-8")
    environment = {**stack.environment, "MADOGUCHI_RULES": str(file)}
    return [_router(stack.home / f"replica-{number}", environment) for number in range(count)]


def without_assignment(rules: str) -> str:
    """Return a rules file without its section `assignment`."""
    kept: list[str] = []
    is_inside = False
    for line in rules.splitlines():
        if line and not line[0].isspace():
            is_inside = line.startswith("assignment:")
        if not is_inside:
            kept.append(line)
    return "\n".join(kept) + "\n"


def addresses(routers: list[ServiceProcess]) -> list[str]:
    """Return where their APIs are."""
    return [f"http://{LOOPBACK}:{router.port}" for router in routers]


async def kill_in_turn(
    routers: list[ServiceProcess], seconds: float, least: int, random: Random, report: Report
) -> int:
    """Kill one or the other with SIGKILL and start it again, for so long and so often at least.

    One of them is always ready. Return how often.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    kills = 0
    while loop.time() < end or kills < least:
        await asyncio.sleep(random.uniform(1, 4))
        victim, *others = random.sample(routers, len(routers))
        await asyncio.to_thread(wait_until_ready, others, report)
        kills += 1
        report.say("havoc", f"kill -9 router on port {victim.port} ({kills})")
        await asyncio.to_thread(victim.kill)
        await asyncio.to_thread(victim.start)
    await asyncio.to_thread(wait_until_ready, routers, report)
    return kills


def _router(folder: Path, environment: dict[str, str]) -> ServiceProcess:
    folder.mkdir(parents=True, exist_ok=True)
    return ServiceProcess("router", free_port(), environment, folder)
