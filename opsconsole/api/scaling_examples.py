"""Examples of scaling policies and decisions, for the OpenAPI document."""

from typing import Any

OPS = "/api/v1/ops"
WAITING = {"kind": "waiting", "target": 200.0, "basis": "total"}
POLICY: dict[str, Any] = {
    "id": 2,
    "environment": "production",
    "service": "worker",
    "dry_run": False,
    "least": 1,
    "most": 4,
    "metrics": [WAITING],
    "tolerance": 0.1,
    "behaviour": "behavior",
    "up_window": 0,
    "down_window": 300,
    "up_rates": [{"unit": "replicas", "value": 4, "seconds": 15}],
    "down_rates": [{"unit": "percent", "value": 100, "seconds": 15}],
    "warm_up": 30,
    "cooldown": 60,
    "paused_until": None,
    "paused_by": "",
    "paused_why": "",
    "startup_seconds": 11.4,
    "decided_at": "2026-11-29T09:12:00+09:00",
    "holds_since": None,
    "links": {"self": f"{OPS}/policies/2"},
}
POLICY_PAGE = {"next": None, "previous": None, "results": [POLICY]}
CHANGED_POLICY = {"dry_run": False, "most": 6, "metrics": [WAITING]}
NEW_POLICY = {"environment": "production", "service": "worker", "metrics": [WAITING]}
PAUSE = {"until": "2026-11-29T12:00:00+09:00", "why": "the database is being moved"}
PAUSED_POLICY = {
    **POLICY,
    "paused_until": PAUSE["until"],
    "paused_by": "sato",
    "paused_why": PAUSE["why"],
}
DECISION: dict[str, Any] = {
    "id": 4711,
    "environment": "production",
    "service": "worker",
    "at": "2026-11-29T09:12:00+09:00",
    "current": 1,
    "recommended": 5,
    "desired": 4,
    "action": "up",
    "because": "most",
    "reason": "at most 4",
    "inputs": [
        {
            "key": "waiting",
            "target": 200.0,
            "basis": "total",
            "value": 930.0,
            "wants": 5,
            "trouble": "",
        }
    ],
    "clamps": [{"rule": "most", "before": 5, "after": 4, "until": None, "says": ""}],
    "outcome": "done",
    "says": "",
    "came": 4,
    "came_at": "2026-11-29T09:12:30+09:00",
    "links": {"self": f"{OPS}/decisions/4711"},
}
DECISION_PAGE = {"next": None, "previous": None, "results": [DECISION]}
