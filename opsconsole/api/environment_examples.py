"""Examples of environments, deployments, operations and windows, for the OpenAPI document."""

from typing import Any

OPS = "/api/v1/ops"
RELEASE_ID = "0d6d2d54-51f4-4f0a-9f5e-2d1f3a0c8b11"
DEPLOYMENT_ID = "7c2f5f0b-9a53-4a3b-8f0f-64a1d0b6f2c3"
OPERATION_ID = "a1f0c6f4-2f9b-4b43-9f55-0f8b2f3e7d10"
IMAGE = {
    "reference": "registry.example/pm-scoring-app:1.4.0",
    "digest": "sha256:" + "3f2a" * 16,
    "repo_digest": "sha256:" + "9c11" * 16,
}
ENVIRONMENT: dict[str, Any] = {
    "code": "production",
    "kind": "production",
    "engine": "compose",
    "here": True,
    "state": "healthy",
    "release": RELEASE_ID,
    "version": "1.4.0",
    "project": "pmscoring",
    "base_url": "https://scoring.example",
    "overlays": ["production"],
    "ports": {"HAPROXY_PORT": 8000},
    "protected": True,
    "trouble": "",
    "seen_at": "2026-11-29T09:12:03+09:00",
    "added_at": "2026-11-01T09:00:00+09:00",
    "laid_out_at": "2026-11-01T09:00:00+09:00",
    "removed_at": None,
    "links": {"self": f"{OPS}/environments/production"},
}
ENVIRONMENT_PAGE = {"next": None, "previous": None, "results": [ENVIRONMENT]}
WANTED_ENVIRONMENT = {"code": "staging", "kind": "staging", "ports": {"HAPROXY_PORT": 8180}}
ADDED_ENVIRONMENT = {
    **ENVIRONMENT,
    "code": "staging",
    "kind": "staging",
    "here": False,
    "state": "added",
    "release": None,
    "version": None,
    "project": "pmscoring-staging",
    "base_url": "",
    "overlays": ["staging"],
    "ports": {"HAPROXY_PORT": 8180},
    "protected": False,
    "seen_at": None,
    "laid_out_at": None,
    "links": {"self": f"{OPS}/environments/staging"},
}
REPLICA = {
    "id": "4f1c2d3e5a6b",
    "name": "pmscoring-web-1",
    "state": "running",
    "health": "healthy",
    "health_says": "",
    "image": IMAGE["reference"],
    "digest": IMAGE["digest"],
    "cpu_cores": 0.14,
    "cpu_limit": 2.0,
    "memory_bytes": 318767104,
    "memory_limit": 1073741824,
    "restarts": 0,
    "started_at": "2026-11-28T22:04:11.000+00:00",
}
SERVICE = {"name": "web", "wanted": 1, "one_shot": False, "replicas": [REPLICA]}
ENVIRONMENT_DETAIL = {**ENVIRONMENT, "services": [SERVICE], "happenings": []}
RELEASE: dict[str, Any] = {
    "id": RELEASE_ID,
    "environment": "production",
    "version": "1.4.0",
    "live": True,
    "images": {"web": IMAGE},
    "files": {"compose.yaml": "5d41" * 16},
    "variables": {"LOG_LEVEL": "INFO"},
    "secrets": {"postgres-password": "71d0"},
    "migrations": {"scoring": ["0001_first_tables"]},
    "created_at": "2026-11-28T22:03:02+09:00",
    "links": {"self": f"{OPS}/releases/{RELEASE_ID}"},
}
RELEASE_PAGE = {"next": None, "previous": None, "results": [RELEASE]}
REQUESTED_DEPLOYMENT: dict[str, Any] = {
    "id": DEPLOYMENT_ID,
    "environment": "production",
    "state": "requested",
    "version": "1.5.0",
    "source": "registry",
    "progress": 0.0,
    "stage": "",
    "reason": "",
    "why": "",
    "maintenance": False,
    "needs_approval": True,
    "approved_by": "",
    "approved_at": None,
    "cancel_at": None,
    "from": RELEASE_ID,
    "to": None,
    "backup": None,
    "steps": [],
    "verdict": {},
    "failed_requests": None,
    "requested_by": "pipeline",
    "requested_at": "2026-11-29T09:12:00+09:00",
    "started_at": None,
    "finished_at": None,
    "seconds": None,
    "links": {"self": f"{OPS}/deployments/{DEPLOYMENT_ID}"},
}
FIGURES = {"requests": 2911, "failed": 0, "p95_ms": 83.0}
DEPLOYMENT = {
    **REQUESTED_DEPLOYMENT,
    "state": "live",
    "progress": 1.0,
    "approved_by": "sato",
    "approved_at": "2026-11-29T09:20:00+09:00",
    "to": "5b2f0e7d-5a0e-4f7e-8d8e-6a0f4c1b9d22",
    "steps": [{"name": "rolling out web", "state": "done", "seconds": 41.2, "says": "2 of 2"}],
    "verdict": {"ok": True, "says": "2911 requests, 0 failed", "callers": FIGURES},
    "failed_requests": 0,
    "started_at": "2026-11-29T09:20:01+09:00",
    "finished_at": "2026-11-29T09:24:40+09:00",
    "seconds": 279.0,
}
DEPLOYMENT_PAGE = {"next": None, "previous": None, "results": [DEPLOYMENT]}
WANTED_DEPLOYMENT = {"environment": "production", "version": "1.5.0"}
WANTED_OPERATION = {
    "environment": "production",
    "kind": "scale",
    "target": "web",
    "replicas": 4,
    "seconds": 3600,
    "why": "many candidates at once",
}
WAITING_OPERATION: dict[str, Any] = {
    "id": OPERATION_ID,
    "environment": "production",
    "kind": "scale",
    "target": "web",
    "arguments": {"replicas": 4, "seconds": 3600.0},
    "state": "waiting",
    "reason": "",
    "why": "many candidates at once",
    "exit_code": None,
    "requested_by": "sato",
    "requested_at": "2026-11-29T09:12:00+09:00",
    "started_at": None,
    "finished_at": None,
    "seconds": None,
    "links": {"self": f"{OPS}/operations/{OPERATION_ID}"},
}
OPERATION_PAGE = {"next": None, "previous": None, "results": [WAITING_OPERATION]}
OPERATION_DETAIL = {
    **WAITING_OPERATION,
    "kind": "run",
    "target": "check",
    "arguments": {"words": ["--deploy"]},
    "state": "done",
    "exit_code": 0,
    "output": "System check identified no issues (0 silenced).",
    "started_at": "2026-11-29T09:12:01+09:00",
    "finished_at": "2026-11-29T09:12:04+09:00",
    "seconds": 3.1,
}
WANTED_WINDOW = {
    "name": "Spring exam",
    "starts_at": "2027-04-18T09:00:00+09:00",
    "ends_at": "2027-04-20T18:00:00+09:00",
    "floors": {"web": 3},
    "zone": "Asia/Tokyo",
}
WINDOW: dict[str, Any] = {
    **WANTED_WINDOW,
    "id": 1,
    "exam": "",
    "follows": False,
    "holds": False,
    "links": {"self": f"{OPS}/windows/1"},
}
WINDOW_PAGE = {"next": None, "previous": None, "results": [WINDOW]}
