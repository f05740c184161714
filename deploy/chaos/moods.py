"""Agents at the router's API with a live feed of offers, who do as they please."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx
from typing_extensions import override

REQUEST_SECONDS = 5.0
SILENCE_SECONDS = 20.0  # the feed says something every 15
CONFLICT = 409
SERVER_FAULT = 500
ACCEPTS, DECLINES = 0.7, 0.15  # shares of the offers; the rest is ignored


@dataclass
class Deeds:
    """What the agents did, for whoever reads the verdict."""

    accepted: int = 0
    declined: int = 0
    ignored: int = 0
    resolved: int = 0
    vanished: int = 0
    away: int = 0
    retries: int = 0

    @override
    def __str__(self) -> str:
        return ", ".join(f"{count} {name}" for name, count in vars(self).items())


@dataclass
class Replicas:
    """The addresses of the same API; a client goes to the next one when one does not answer."""

    client: httpx.AsyncClient
    addresses: Sequence[str]
    deeds: Deeds = field(default_factory=Deeds)
    turn: int = 0

    def address(self) -> str:
        """Return the one that answered last."""
        return self.addresses[self.turn % len(self.addresses)]

    async def send(
        self, method: str, path: str, token: str, body: Any = None, *, key: str | None = None
    ) -> httpx.Response:
        """Send until somebody answers; the key makes it count once."""
        headers = {"authorization": f"Bearer {token}"}
        if key:
            headers["idempotency-key"] = key
        while True:
            with suppress(httpx.TransportError):
                answer = await self.client.request(
                    method,
                    self.address() + path,
                    headers=headers,
                    json=body,
                    timeout=REQUEST_SECONDS,
                )
                if answer.status_code < SERVER_FAULT:
                    return answer
            self.turn += 1
            self.deeds.retries += 1
            await asyncio.sleep(0.1)


class MoodyAgent:
    """One of them. What he does is decided by his `random`; once `calm`, he just takes and solves."""

    def __init__(self, name: str, token: str, replicas: Replicas, random: Random) -> None:
        self.name = name
        self.calm = asyncio.Event()
        self._token = token
        self._replicas = replicas
        self._random = random
        self._seen: str | None = None
        self._known: set[str] = set()
        self._keys = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._stays_until = self._whim()

    async def work(self, stopping: asyncio.Event) -> None:
        """Come, listen for offers and answer them, coming back whenever the feed ends."""
        moods = asyncio.create_task(self._have_moods())
        while not stopping.is_set():
            await self._say("online")
            with suppress(httpx.TransportError, httpx.HTTPStatusError):
                async for offer in self._feed(stopping):
                    self._take_up(offer)
            self._replicas.turn += 1
            await asyncio.sleep(self._random.uniform(0.1, 0.5))
        for task in (moods, *self._tasks):
            task.cancel()
        await asyncio.gather(moods, *self._tasks, return_exceptions=True)

    async def _feed(self, stopping: asyncio.Event) -> AsyncIterator[dict[str, Any]]:
        """Yield offers from the live feed, until it ends or he vanishes without a word."""
        headers = {"authorization": f"Bearer {self._token}", "accept": "text/event-stream"}
        if self._seen:
            headers["last-event-id"] = self._seen
        url = f"{self._replicas.address()}/v1/agents/{self.name}/offers"
        async with self._replicas.client.stream(
            "GET", url, headers=headers, timeout=SILENCE_SECONDS
        ) as answer:
            answer.raise_for_status()
            async for line in answer.aiter_lines():
                if line.startswith("id: "):
                    self._seen = line.removeprefix("id: ")
                elif line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))
                if stopping.is_set() or self._has_enough():
                    break
        if not self.calm.is_set():
            self._replicas.deeds.vanished += 1
            await asyncio.sleep(self._random.uniform(0.5, 9))
            self._stays_until = self._whim()

    def _has_enough(self) -> bool:
        now = asyncio.get_running_loop().time()
        return now > self._stays_until and not self.calm.is_set()

    def _whim(self) -> float:
        """Return when he will have had enough, however many feeds end before."""
        return asyncio.get_running_loop().time() + self._random.uniform(5, 40)

    def _take_up(self, offer: dict[str, Any]) -> None:
        if offer["state"] == "made" and offer["offer_id"] not in self._known:
            self._known.add(offer["offer_id"])
            task = asyncio.create_task(self._answer(offer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, offer: dict[str, Any]) -> None:
        await asyncio.sleep(self._random.uniform(0.05, 1.5))
        mood = 0.0 if self.calm.is_set() else self._random.random()
        path = f"/v1/offers/{offer['offer_id']}"
        deeds = self._replicas.deeds
        if mood > ACCEPTS + DECLINES:
            deeds.ignored += 1
        elif mood > ACCEPTS:
            await self._post(f"{path}/decline", {"reason": "別件対応中"})
            deeds.declined += 1
        elif (await self._post(f"{path}/accept")).status_code != CONFLICT:
            deeds.accepted += 1
            await self._solve(offer["case_id"])

    async def _solve(self, case: str) -> None:
        await asyncio.sleep(self._random.uniform(0.3, 3.0))
        answer = await self._post(f"/v1/cases/{case}/resolve")
        self._replicas.deeds.resolved += answer.is_success

    async def _have_moods(self) -> None:
        """Go away now and then, and come back."""
        while True:
            await asyncio.sleep(self._random.uniform(4, 15))
            if not self.calm.is_set():
                self._replicas.deeds.away += 1
                await self._say(self._random.choice(["away", "offline"]))
                await asyncio.sleep(self._random.uniform(0.5, 4))
            await self._say("online")

    async def _say(self, presence: str) -> None:
        await self._post(f"/v1/agents/{self.name}/presence", {"presence": presence})

    async def _post(self, path: str, body: Any = None) -> httpx.Response:
        self._keys += 1
        key = f"{self.name}-{self._keys}"
        return await self._replicas.send("POST", path, self._token, body, key=key)
