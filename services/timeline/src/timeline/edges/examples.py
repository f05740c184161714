"""Answers as the API's document shows them: 鈴木花子 wrote by mail, then corrected herself on LINE."""

from typing import Any

_MESSAGE = "5d2f8a34-6c1e-5b1f-9a51-0c6a4f2f7d10"
_LINE = "line:1657000000:U4af4980629"
_CONVERSATION = "0f1c9a52-6b7e-5d3f-8a41-2c5e9d7b6f10"
_CASE = "a1f93248-4c5d-5e6f-9a7b-8c9d0e1f2a3b"
_MAIL = "email:hanako.suzuki@example.jp"

CUSTOMER: dict[str, Any] = {
    "id": "a240f8fe-5360-5a76-92d5-ce10ac1fab1c",
    "created_at": "2026-11-20T01:12:09Z",
    "name": "鈴木 花子",
    "tier": "gold",
    "language": "ja",
    "account": {"account_id": "A-77", "name": "株式会社あおぞら", "domains": ["example.jp"]},
    "contracts": [
        {"contract_id": "K-1", "plan": "standard", "starts_at": "2026-04-01T00:00:00+09:00"}
    ],
    "contacts": [
        {"contact": _MAIL, "first_seen": "2026-11-20T01:12:09Z", "shared": False},
        {"contact": "tel:+819012345678", "first_seen": "2026-11-21T02:00:00Z", "shared": False},
        {"contact": _LINE, "first_seen": "2026-11-24T02:40:00Z", "shared": False},
    ],
    "profiles": [{"customer_ref": "crm-1024", "changed_at": "2026-11-24T02:41:00Z"}],
    "merged": ["0b6c7a52-4ad0-5f2e-8b8a-3f6a4f4f9a01", "9e0f3b0c-2a6d-5d0e-b1a3-7a3f0b2c5d11"],
}

_CORRECTED: dict[str, Any] = {
    "id": "7c1b1d8e-7c55-5a37-8d3f-5f0a3e0a8b21",
    "contact": _LINE,
    "occurred_at": "2026-11-24T02:40:00Z",
    "learned_at": "2026-11-24T02:40:01.120000Z",
    "type": "io.madoguchi.message.received",
    "kind": "message",
    "channel": "line",
    "direction": "inbound",
    "message": _MESSAGE,
    "data": {
        "message_id": "444573844083572737",
        "kind": "message",
        "direction": "inbound",
        "channel": "line",
        "provider": "line",
        "account": "1657000000",
        "sender": {"contact": _LINE, "name": "花子"},
        "conversation": {"key": _LINE},
        "received_at": "2026-11-24T02:40:01.120000Z",
        "text": "注文番号は1204です。",
        "attachments": [
            {"name": "領収書.jpg", "media_type": "image/jpeg", "state": "stored", "size": 48213}
        ],
    },
    "attachments": [
        {
            "name": "領収書.jpg",
            "media_type": "image/jpeg",
            "state": "stored",
            "size": 48213,
            "location": "files/acme/5f/5f8c",
        }
    ],
    "delivery": None,
    "versions": [
        {
            "event": "7c1b1d8e-7c55-5a37-8d3f-5f0a3e0a8b21",
            "at": "2026-11-24T02:40:00Z",
            "subject": None,
            "text": "注文番号は1204です。",
        },
        {
            "event": "c9e4a0d2-1f3b-5c6d-a7e8-90b1c2d3e4f5",
            "at": "2026-11-24T02:43:30Z",
            "subject": None,
            "text": "注文番号は1240です。",
        },
    ],
    "reactions": [],
    "reports": [],
    "unsent_at": None,
    "conversation": _CONVERSATION,
    "case": _CASE,
    "activity": None,
}
_CALL: dict[str, Any] = {
    "id": "1d0c3f5e-8a72-5b90-94c6-2e7f1a3b5c7d",
    "contact": "tel:+819012345678",
    "occurred_at": "2026-11-23T05:05:00Z",
    "learned_at": "2026-11-23T05:12:44Z",
    "type": "io.madoguchi.activity.recorded",
    "kind": "call",
    "channel": "voice",
    "direction": "inbound",
    "message": None,
    "data": {
        "kind": "call",
        "contact": "tel:+819012345678",
        "occurred_at": "2026-11-23T05:05:00Z",
        "summary": "納期についてのお問い合わせ。折り返しを約束。",
        "channel": "voice",
        "attributes": {"direction": "inbound", "duration_seconds": 372, "agent": "tanaka"},
    },
    "attachments": [],
    "delivery": None,
    "versions": [],
    "reactions": [],
    "reports": [],
    "unsent_at": None,
    "conversation": None,
    "case": None,
    "activity": {
        "summary": "納期についてのお問い合わせ。折り返しを約束。",
        "direction": "inbound",
        "duration_seconds": 372.0,
        "agent": "tanaka",
        "outcome": None,
        "place": None,
        "reference": None,
        "case": None,
    },
}

PAGE: dict[str, Any] = {"entries": [_CORRECTED, _CALL], "next": "ldb_awPJfAEEzQSjxAA"}

ENTRY: dict[str, Any] = {**_CORRECTED, "customer": CUSTOMER["id"]}

CONVERSATIONS: dict[str, Any] = {
    "conversations": [
        {
            "id": _CONVERSATION,
            "key": _LINE,
            "channel": "line",
            "subject": None,
            "began_at": "2026-11-20T01:12:09Z",
            "entries": 42,
            "case": _CASE,
            "last": _CORRECTED,
        }
    ],
    "next": None,
    "reaches": None,
}

FILE_LINK: dict[str, Any] = {
    "url": "https://timeline.example.jp/v1/files/lqNvd27OaSR…",
    "expires_at": "2026-11-24T02:50:00Z",
    "name": "領収書.jpg",
    "media_type": "image/jpeg",
    "size": 48213,
    "sha256": "5f8c0e3d1b2a49687f5e4d3c2b1a09f8e7d6c5b4a39281706f5e4d3c2b1a0998",
}
