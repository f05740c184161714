"""`python -m chaos.assignment`: routers are killed while agents work; then the bus is asked whether the laws held."""

import asyncio
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Annotated

import httpx
import msgspec
import typer
from aiokafka import AIOKafkaProducer

from assignment_laws.breaches import Tolerance
from assignment_laws.checking import Verdict, check
from assignment_laws.told import Bus, read_everything
from bench.traffic import messages
from chaos.moods import Deeds, MoodyAgent, Replicas
from chaos.replicas import addresses, kill_in_turn, routers_on
from common.edges.clock import system_clock
from local_stack.layout import ROOT
from local_stack.ports import LOOPBACK
from local_stack.readiness import wait_until_ready
from local_stack.report import Report
from local_stack.services import ServiceProcess
from local_stack.stack import Stack
from local_stack.throwaway import throwaway_home, throwaway_stack

# Requirements that some meet and some do not; everybody has a little of the first two.
SKILLS = ("japanese", "network", "billing", "retention", "public", "english")
QUEUES = ("general", "technical", "billing", "vip", "english")
TENANT = "acme"
SETTLE_SECONDS = 90.0
QUIET_SECONDS = 6.0  # nothing new on the bus: offers have ended, pauses are over


PATIENT = Tolerance(
    idle=timedelta(seconds=12), ending=timedelta(seconds=12)
)  # a router starts anew


@dataclass(frozen=True)
class Plan:
    """How long, how many, how fast."""

    seconds: float = 300
    agents: int = 40
    per_second: float = 12
    least_kills: int = 3
    seed: int = 1
    tolerance: Tolerance = PATIENT


@dataclass(frozen=True)
class Outcome:
    """What was found on the bus, and what was done before."""

    bus: Bus
    verdict: Verdict
    deeds: Deeds
    kills: int


def run(plan: Plan, home: Path, report: Report) -> Outcome:
    """Run two routers on a stack of their own in `home` through the plan."""
    with throwaway_stack(home, report) as (stack, _):
        stack.start_schemas(report)
        routers = routers_on(stack)
        try:
            for router in routers:
                router.start()
            wait_until_ready(routers, report)
            return asyncio.run(_work_and_kill(plan, stack, routers, report))
        finally:
            for router in routers:
                router.stop()


async def _work_and_kill(
    plan: Plan, stack: Stack, routers: list[ServiceProcess], report: Report
) -> Outcome:
    random = Random(plan.seed)  # noqa: S311 - repeatable, no secret
    limits = httpx.Limits(max_connections=4 * plan.agents)
    async with httpx.AsyncClient(limits=limits) as client:
        replicas = Replicas(client, addresses(routers))
        agents = await _hired(plan, stack, replicas, random)
        stopping = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for agent in agents:
                tasks.create_task(agent.work(stopping))
            writing = tasks.create_task(_write(plan, stack))
            kills = await kill_in_turn(routers, plan.seconds, plan.least_kills, random, report)
            await writing
            report.say("agents", f"{replicas.deeds}; now they take what is left")
            for agent in agents:
                agent.calm.set()
            bus = await _settled(stack, report)
            stopping.set()
    until = max(event.attributes.time for event in bus.events)
    verdict = check(bus.events, plan.tolerance, until, bus.public_at)
    return Outcome(bus, verdict, replicas.deeds, kills)


async def _hired(plan: Plan, stack: Stack, replicas: Replicas, random: Random) -> list[MoodyAgent]:
    """Register everybody, each with skills, queues and capacity of his own."""
    now = system_clock()
    boss = stack.key.token(
        tenant=TENANT, scopes=["routing:supervise", "routing:read"], subject="boss", now=now
    )
    agents: list[MoodyAgent] = []
    for number in range(plan.agents):
        name = f"agent-{number:02}"
        profile = {
            "name": f"担当 {number:02}",
            "skills": {skill: random.randint(2, 5) for skill in random.sample(SKILLS, 4)},
            "queues": random.sample(QUEUES, random.randint(2, len(QUEUES))),
            "capacity": random.randint(1, 3),
            "channels": {"sms": random.randint(1, 3)},
        }
        answer = await replicas.send("PUT", f"/v1/agents/{name}", boss, profile)
        answer.raise_for_status()
        token = stack.key.token(tenant=TENANT, scopes=["routing:agent"], subject=name, now=now)
        his = Random(f"{plan.seed} {name}")  # noqa: S311 - repeatable, no secret
        agents.append(MoodyAgent(name, token, replicas, his))
    return agents


async def _write(plan: Plan, stack: Stack) -> None:
    """Let 500 customers write at a steady pace."""
    producer = AIOKafkaProducer(bootstrap_servers=_kafka(stack), acks="all", linger_ms=5)
    await producer.start()
    try:
        for record in messages(int(plan.seconds * plan.per_second)):
            await producer.send(
                record.topic, record.value, key=record.key, headers=list(record.headers)
            )
            await asyncio.sleep(1 / plan.per_second)
    finally:
        await producer.stop()


async def _settled(stack: Stack, report: Report) -> Bus:
    """Return all that is on the bus once nothing new comes."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + SETTLE_SECONDS
    known, since = -1, loop.time()
    while True:
        bus = await read_everything(_kafka(stack))
        if len(bus.events) != known:
            known, since = len(bus.events), loop.time()
            report.say("bus", f"{known} events")
        if loop.time() - since > QUIET_SECONDS or loop.time() > deadline:
            return bus
        await asyncio.sleep(1)


def _write_down(bus: Bus, file: Path) -> None:
    """Keep what was told, an event a line, for whoever asks how a law was broken."""
    file.parent.mkdir(exist_ok=True)
    with file.open("wb") as lines:
        for event in sorted(bus.events, key=lambda event: event.attributes.time):
            public_at = bus.public_at[event.attributes.id]
            line = (event.attributes, public_at, msgspec.Raw(event.value))
            lines.write(msgspec.json.encode(line) + b"\n")


def _kafka(stack: Stack) -> str:
    return f"{LOOPBACK}:{stack.ports.kafka}"


def main(
    seconds: Annotated[float, typer.Option(help="how long routers are killed")] = Plan.seconds,
    agents: Annotated[int, typer.Option(help="agents at the API")] = Plan.agents,
    per_second: Annotated[float, typer.Option(help="messages a second")] = Plan.per_second,
    seed: Annotated[int, typer.Option(help="what everybody does")] = Plan.seed,
) -> None:
    """Kill one of two routers every few seconds while agents work; exit 1 if a law was broken."""
    report = Report()
    plan = Plan(seconds=seconds, agents=agents, per_second=per_second, seed=seed)
    outcome = run(plan, throwaway_home("chaos"), report)
    report.show(f"{outcome.kills} kills; agents: {outcome.deeds}")
    report.show(str(outcome.verdict))
    if outcome.verdict.breaches:
        told = ROOT / "build" / "chaos-assignment.ndjson"
        _write_down(outcome.bus, told)
        report.show(f"what the bus told: {told}")
    sys.exit(bool(outcome.verdict.breaches))


if __name__ == "__main__":
    typer.run(main)
