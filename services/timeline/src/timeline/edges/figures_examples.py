"""Figures as the API's document shows them: how fast the queue for returns answered in two days."""

from typing import Any

_TARGET_ID = "1c9b6f5e-0d4e-5a3c-9b1f-4c7e9a510c6a"

FIGURES: dict[str, Any] = {
    "figure": "first_response_time",
    "unit": "seconds",
    "period": "day",
    "tz": "Asia/Tokyo",
    "from": "2026-11-20",
    "until": "2026-11-22",
    "by": ["queue"],
    "statistics": ["mean", "median", "p90"],
    "rows": [
        {
            "start": "2026-11-20T00:00:00+09:00",
            "end": "2026-11-21T00:00:00+09:00",
            "complete": True,
            "by": {"queue": "返品"},
            "count": 4,
            "numerator": None,
            "values": {"mean": 1035.0, "median": 120.0, "p90": 3600.0},
            "targets": {"median": {"id": _TARGET_ID, "target": 300.0, "kept": True}},
        },
        {
            "start": "2026-11-21T00:00:00+09:00",
            "end": "2026-11-22T00:00:00+09:00",
            "complete": False,
            "by": {"queue": "返品"},
            "count": 1,
            "numerator": None,
            "values": {"mean": 420.0, "median": 420.0, "p90": 420.0},
            "targets": {"median": {"id": _TARGET_ID, "target": 300.0, "kept": False}},
        },
    ],
}

SHEET = (
    "figure,unit,start,end,complete,queue,count,numerator,mean,median,p90,"
    "target_mean,kept_mean,target_median,kept_median,target_p90,kept_p90\r\n"
    "first_response_time,seconds,2026-11-20T00:00:00+09:00,2026-11-21T00:00:00+09:00,true,返品,"
    "4,,1035.0,120.0,3600.0,,,300.0,true,,\r\n"
)

TARGET: dict[str, Any] = {
    "id": _TARGET_ID,
    "figure": "first_response_time",
    "statistic": "median",
    "period": "day",
    "since": "2026-11-01",
    "target": 300.0,
    "unit": "seconds",
    "sense": "at_most",
    "dimension": "queue",
    "member": "返品",
    "set_by": "supervisor-3",
    "set_at": "2026-10-30T01:00:00Z",
}

ASKED_TARGET: dict[str, Any] = {
    "figure": "first_response_time",
    "statistic": "median",
    "period": "day",
    "since": "2026-11-01",
    "target": 300.0,
    "dimension": "queue",
    "member": "返品",
}
