"""A tool of the company that reads customers' histories over the API."""

from typing import Any

import httpx

PAGE = 200
RECEIVED = "io.madoguchi.message.received"
ROUTED = "io.madoguchi.case.routed"
ANSWERED = "io.madoguchi.case.answered"
RESOLVED = "io.madoguchi.case.resolved"


class TimelineReader:
    """Reads with a bearer token of one tenant."""

    def __init__(self, client: httpx.AsyncClient, base_url: str, token: str) -> None:
        self._client = client
        self._base_url = base_url
        self._headers = {"authorization": f"Bearer {token}"}

    async def customer(self, contact: str) -> dict[str, Any] | None:
        """Return the customer who holds `contact`, or None."""
        found: dict[str, Any] | None = await self._get("/v1/customers", {"contact": contact})
        return found  # typed: JSON is Any

    async def entries(self, customer: str) -> list[dict[str, Any]]:
        """Return the whole timeline of a customer, oldest first."""
        entries: list[dict[str, Any]] = []
        parameters: dict[str, str | int] = {"limit": PAGE}
        while True:
            page = await self._get(f"/v1/customers/{customer}/timeline", parameters)
            if page is None:
                return []
            entries += page["entries"]
            if not page.get("next"):
                return entries[::-1]
            parameters["before"] = page["next"]

    async def _get(self, path: str, parameters: dict[str, Any]) -> Any:
        answer = await self._client.get(
            self._base_url + path, params=parameters, headers=self._headers
        )
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        answer.raise_for_status()
        return answer.json()
