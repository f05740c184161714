"""The answer to a search as the API document shows it: who asked to send something back."""

from typing import Any

HITS: dict[str, Any] = {
    "hits": [
        {
            "id": "7c1b1d8e-7c55-5a37-8d3f-5f0a3e0a8b21",
            "customer": "a240f8fe-5360-5a76-92d5-ce10ac1fab1c",
            "contact": "email:hanako.suzuki@example.jp",
            "occurred_at": "2026-11-24T02:40:00Z",
            "channel": "email",
            "direction": "inbound",
            "kind": "message",
            "message": "5d2f8a34-6c1e-5b1f-9a51-0c6a4f2f7d10",
            "cases": ["0d4e6a3c-5b1f-4c7e-9a51-0c6a4f2f7d11"],
            "rank": 100,
            "found": [
                {
                    "field": "subject",
                    "pieces": [
                        {"text": "返品", "match": True},
                        {"text": "のお願い", "match": False},
                    ],
                },
                {
                    "field": "text",
                    "pieces": [
                        {"text": "注文番号1204の", "match": False},
                        {"text": "返品", "match": True},
                        {"text": "をお願いします。", "match": False},
                    ],
                },
            ],
        }
    ],
    "next": "lKZuZXdlc3QA1v9rBPkA2SQ3YzFiMWQ4ZS03YzU1LTVhMzctOGQzZi01ZjBhM2UwYThiMjE",
}
