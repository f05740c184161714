"""Follow a customer live: `python follow.py tel:090-1234-5678`; BASE and TOKEN in the environment."""

import json
import os
import sys
import time
from collections.abc import Iterator

import httpx


def show(item: dict, mark: str = " ") -> None:
    """Print one line of the history; of an edited message what it says now."""
    data = item["data"] or {"text": "(unsent)"}
    newest = item["versions"][-1] if item["versions"] else data
    words = newest.get("text") or data.get("summary") or item["kind"]
    arrow = {"inbound": "◀", "outbound": "▶"}.get(item["direction"], "·")
    state = f"[{item['delivery']['status']}]" if item["delivery"] else ""
    line = " ".join(words.split())
    print(mark, item["occurred_at"][:16], item["channel"] or "-", arrow, line, state)


def events(client: httpx.Client, customer: str) -> Iterator[tuple[str, dict]]:
    """Yield (name, data) for ever; whenever the stream ends, go on after the last id."""
    last: dict[str, str] = {}
    while True:
        fields: dict[str, str] = {}
        try:
            with client.stream("GET", f"/v1/customers/{customer}/events", headers=last) as stream:
                for line in stream.raise_for_status().iter_lines():
                    name, _, value = line.partition(": ")
                    if line:
                        fields[name] = value
                        continue
                    if "data" in fields:
                        yield fields["event"], json.loads(fields["data"])
                    if "id" in fields:  # only now: what came before it is dealt with
                        last = {"Last-Event-ID": fields["id"]}
                    fields = {}
        except httpx.TransportError:
            time.sleep(1)


headers = {"Authorization": f"Bearer {os.environ['TOKEN']}"}
with httpx.Client(base_url=os.environ["BASE"], headers=headers, timeout=30) as client:
    answer = client.get("/v1/customers", params={"contact": sys.argv[1]}).raise_for_status()
    customer = answer.json()
    print(customer["name"] or sys.argv[1], "-", *(each["contact"] for each in customer["contacts"]))
    begun = False
    for name, data in events(client, customer["id"]):
        if name == "reload" or (name == "following" and not begun):
            begun = True  # the stream is open: nothing can fall between it and this page
            page = client.get(f"/v1/customers/{customer['id']}/timeline").raise_for_status()
            for item in reversed(page.json()["entries"]):
                show(item)
        elif name in ("entry", "changed"):
            show(data, "+" if name == "entry" else "~")
        elif name.startswith("customer."):
            print(f"* {name}: {data['from']} → {data['to']}")
