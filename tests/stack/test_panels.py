"""What the rules and dashboards ask for is what Prometheus has, once everything was used."""

import json
import re
from typing import Any

import httpx
import pytest
import yaml

from tests.paths import ROOT
from tests.stack.callers import Api
from tests.stack.conftest import Told
from tests.stack.engine import wait_for
from tests.stack.stack import Stack

BOARDS = sorted((ROOT / "docker" / "grafana" / "dashboards").glob("*.json"))
RULES = sorted((ROOT / "docker" / "prometheus" / "rules").glob("*.yml"))
# Of services without an image here, and of the overlay pitr.
ELSEWHERE = re.compile(r"^(container_|loki_|pmscoring_(pitr|wal)_|node_textfile_|node_pressure_)")
# What is told of from its first event on, and need not have happened.
SELDOM = {
    "ALERTS",
    "django_db_errors_total",
    "pmscoring_backup_failures_total",
    "pmscoring_backup_overdue",
    "pmscoring_backup_verified_timestamp_seconds",
    "pmscoring_deployment_seconds",
    "pmscoring_deployments_total",
    "pmscoring_heals_total",
    "pmscoring_load_agreement",
    "pmscoring_restore_drill_passed_timestamp_seconds",
    "pmscoring_scaling_decision_timestamp_seconds",
    "pmscoring_scaling_desired",
    "pmscoring_scaling_holds_since_timestamp_seconds",
    "pmscoring_scaling_policy",
    "pmscoring_scaling_replicas",
    "prometheus_rule_evaluation_failures_total",
    # Evaluated every ten minutes.
    "objective:errors:ratio30d",
}


def asked() -> list[str]:
    """Every expression of a dashboard's panel or of a rule."""
    boards = [json.loads(file.read_text("utf-8")) for file in BOARDS]
    targets = [
        target for board in boards for panel in board["panels"] for target in panel["targets"]
    ]
    found = [one["expr"] for one in targets if one["datasource"]["type"] == "prometheus"]
    for file in RULES:
        rules = yaml.safe_load(file.read_text("utf-8"))["groups"]
        found += [rule["expr"] for group in rules for rule in group["rules"]]
    return found


def names(expression: str) -> set[str]:
    """The series in an expression, without their labels."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\"[^\"]*\"", "", expression)
    bare = re.sub(r"\b(by|on|without|ignoring|group_left|group_right)\s*(\([^)]*\))?", "", bare)
    words = set(re.findall(r"[a-zA-Z_:][\w:]*(?!\w*\s*\()", bare))
    return {word for word in words if "_" in word or ":" in word or word in {"up", "ALERTS"}}


@pytest.fixture(scope="module")
def prometheus(stack: Stack, api: Api) -> httpx.Client:
    """Its API, after everything that is asked for was used."""
    api.hand_in_all(20)
    client = httpx.Client(
        base_url=f"http://127.0.0.1:{stack.ports['PROMETHEUS']}/api/v1", trust_env=False, timeout=30
    )
    query = {"query": 'sum(rate(http_requests_total{job="web"}[1m])) > 0'}
    wait_for(lambda: answer(client, "query", query)["result"], 120, "web was scraped twice")
    return client


def answer(client: httpx.Client, path: str, parameters: dict[str, str]) -> Any:
    return client.get(f"/{path}", params=parameters).json()["data"]


def test_every_service_that_runs_is_scraped(prometheus: httpx.Client) -> None:
    for job in ("web", "inference", "haproxy", "prometheus", "host"):
        result = answer(prometheus, "query", {"query": f'min(up{{job="{job}"}})'})["result"]
        assert [one["value"][1] for one in result] == ["1"], job


def test_what_is_asked_for_is_there(prometheus: httpx.Client, told: Told) -> None:
    wanted = set().union(*map(names, asked()))
    assert len(wanted) > 60
    expected = {name for name in wanted - SELDOM if not ELSEWHERE.match(name)}

    def missing() -> set[str]:
        return expected - set(answer(prometheus, "label/__name__/values", {}))

    # The operations worker enters the installation, and looks at it, some time after the start.
    try:
        wait_for(lambda: not missing(), 180, "every series is there")
    except AssertionError:
        assert missing() == set()
    told(
        f"{len(wanted)} series of rules and panels, {len(expected)} of them must be there, and are"
    )


def test_the_lines_of_the_cache_have_values(prometheus: httpx.Client) -> None:
    for name in ("hits", "misses", "fail"):
        query = f"sum(rate(django_cache_get_{name}_total[1m]))"
        [one] = answer(prometheus, "query", {"query": query})["result"]
        assert float(one["value"][1]) >= 0
