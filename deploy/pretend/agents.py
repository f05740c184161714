"""An agent at his tool, and the supervisor who registered him: both over the router's API."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx


class AgentTool:
    """What an agent sees and clicks. Tokens are the agent's own, and a supervisor's."""

    def __init__(
        self, client: httpx.AsyncClient, router: str, agent: str, own: str, supervisor: str
    ) -> None:
        self._client = client
        self._router = router
        self._agent = f"/v1/agents/{agent}"
        self._own = {"authorization": f"Bearer {own}"}
        self._supervisor = {"authorization": f"Bearer {supervisor}"}

    async def register(self, profile: dict[str, Any]) -> None:
        """Have a supervisor say who the agent is."""
        await self._ask("PUT", self._agent, self._supervisor, profile)

    async def presence(self, presence: str) -> None:
        """Come, go away or leave."""
        await self._ask("POST", f"{self._agent}/presence", self._own, {"presence": presence})

    async def offers(self, seconds: float) -> AsyncIterator[dict[str, Any]]:
        """Yield each change of each offer as it comes. Raises TimeoutError when it takes too long."""
        headers = {**self._own, "accept": "text/event-stream"}
        url = f"{self._router}{self._agent}/offers"
        async with (
            asyncio.timeout(seconds),
            self._client.stream("GET", url, headers=headers) as answer,
        ):
            answer.raise_for_status()
            async for line in answer.aiter_lines():
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))

    async def accept(self, offer: str) -> None:
        """Take the case; the same click twice counts once."""
        await self._ask("POST", f"/v1/offers/{offer}/accept", self._own, key=f"accept-{offer}")

    async def case(self, case: str) -> dict[str, Any]:
        """Return a case as it stands."""
        answer = await self._client.get(f"{self._router}/v1/cases/{case}", headers=self._own)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    async def resolve(self, case: str) -> None:
        """End the matter."""
        await self._ask("POST", f"/v1/cases/{case}/resolve", self._own)

    async def _ask(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        body: dict[str, Any] | None = None,
        key: str | None = None,
    ) -> None:
        keyed = {"idempotency-key": key} if key else {}
        answer = await self._client.request(
            method, self._router + path, headers=headers | keyed, json=body
        )
        answer.raise_for_status()
