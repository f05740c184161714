"""A head as the API's document shows it: 鈴木花子 waits for an answer about her bill, and less patiently."""

from typing import Any

from timeline.core.head import DEFINITIONS
from timeline.edges.examples import CUSTOMER

_CASE = "3b1f0f7e-2f0b-5a55-8f4e-5d8f0f6b7a10"
_OPENED = "0d5b7a1c-9a3e-5c0d-8b7f-1e2d3c4b5a60"
_AT_RISK = "6c1e2d3f-4a5b-5c6d-9e8f-7a6b5c4d3e20"
_ANSWERS = ["b7f3a1c2-5d4e-5f6a-8b9c-0d1e2f3a4b50", "a1b2c3d4-e5f6-5a7b-8c9d-0e1f2a3b4c5d"]

HEAD: dict[str, Any] = {
    "customer": CUSTOMER,
    "computed_at": "2026-11-24T05:20:00Z",
    "contracts": CUSTOMER["contracts"],
    "open_cases": [
        {
            "case_id": _CASE,
            "subject": "請求書の金額について",
            "channel": "email",
            "state": "open",
            "queue": "billing",
            "plan": "standard",
            "contract": "K-1",
            "priority": 30,
            "agent": "tanaka",
            "opened_at": "2026-11-24T01:12:09Z",
            "reopened": 1,
            "first_response": {"due": "2026-11-24T06:12:09Z", "state": "kept", "events": []},
            "resolution": {
                "due": "2026-11-26T01:12:09Z",
                "state": "at_risk",
                "events": [_AT_RISK],
            },
            "events": [_OPENED, _AT_RISK],
        }
    ],
    "last_agents": [
        {"agent": "tanaka", "at": "2026-11-24T02:00:00Z", "case_id": _CASE, "event": _OPENED}
    ],
    "channel": {"value": "email", "share": 0.5, "events": [_OPENED, _AT_RISK]},
    "language": {"value": "ja", "share": None, "events": []},
    "csat": {
        "question": "csat5",
        "score": 2,
        "share": 0.25,
        "at": "2026-11-20T03:00:00Z",
        "answers": 2,
        "recent": 0.25,
        "before": 0.75,
        "direction": "down",
        "events": _ANSWERS,
    },
    "nps": None,
    "signals": [
        {
            "kind": "falling_satisfaction",
            "since": "2026-11-20T03:00:00Z",
            "words": [],
            "events": _ANSWERS,
        }
    ],
    "definitions": dict(DEFINITIONS),
}
