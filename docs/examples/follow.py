"""Follow a customer live: `python follow.py tel:090-1234-5678`; BASE and TOKEN in the environment.

Prints the history, then whatever happens, until Ctrl-C. Needs httpx and nothing else.
"""

import json
import os
import sys
import time
from collections.abc import Iterator

import httpx

ARROWS = {"inbound": "◀", "outbound": "▶", None: "·"}


def show(item: dict, mark: str = " ") -> None:
    """Print one line of the history; of an edited message what it says now."""
    data = item["data"] or {"text": "(unsent)"}
    words = item["versions"][-1]["text"] if item["versions"] else data.get("text")
    state = f"[{item['delivery']['status']}]" if item["delivery"] else ""
    words = words or data.get("summary") or item["kind"]
    print(
        mark,
        item["occurred_at"][:16],
        item["channel"] or "-",
        ARROWS[item["direction"]],
        words,
        state,
    )


def history(client: httpx.Client, customer: str) -> list[dict]:
    """Return all that happened so far, oldest first."""
    items, page = [], {"limit": 200}
    while True:
        answer = client.get(f"/v1/customers/{customer}/timeline", params=page).raise_for_status()
        items += answer.json()["entries"]
        if not answer.json()["next"]:
            return items[::-1]
        page["before"] = answer.json()["next"]


def events(client: httpx.Client, customer: str) -> Iterator[tuple[str, dict]]:
    """Yield (name, data) for ever; whenever the stream ends, go on after the last id."""
    last: dict[str, str] = {}
    while True:
        try:
            with client.stream("GET", f"/v1/customers/{customer}/events", headers=last) as stream:
                stream.raise_for_status()
                fields: dict[str, str] = {}
                for line in stream.iter_lines():
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


def main(contact: str) -> None:
    """Find the customer, and never stop looking."""
    headers = {"Authorization": f"Bearer {os.environ['TOKEN']}"}
    with httpx.Client(base_url=os.environ["BASE"], headers=headers, timeout=30) as client:
        found = client.get("/v1/customers", params={"contact": contact}).raise_for_status().json()
        print(found["name"] or contact, "-", ", ".join(c["contact"] for c in found["contacts"]))
        begun = False
        for name, data in events(client, found["id"]):
            if name == "reload" or (name == "following" and not begun):
                begun = True  # the stream is open: nothing can fall between it and these pages
                for item in history(client, data.get("customer", found["id"])):
                    show(item)
            elif name in ("entry", "changed"):
                show(data, "+" if name == "entry" else "~")
            elif name.startswith("customer."):
                print(f"* {name}: {data['from']} → {data['to']}")


if __name__ == "__main__":
    main(sys.argv[1])
