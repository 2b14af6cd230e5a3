"""Prometheus, Grafana, Loki, Alloy and the Swarm stack: what can be known of their files alone."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import prometheus_client
import pytest
import yaml

import pmscoring.metrics as web_metrics
from inference_server.http import metrics as inference
from opsconsole import metrics as console_metrics
from tests.paths import ROOT

COMPOSE = ROOT / "compose"
PROMETHEUS = ROOT / "docker" / "prometheus"
RULES = sorted((PROMETHEUS / "rules").glob("*.yml"))
CASES = sorted((PROMETHEUS / "tests").glob("*.test.yml"))
BOARDS = sorted((ROOT / "docker" / "grafana" / "dashboards").glob("*.json"))
PROMTOOL = shutil.which("promtool")
with_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="promtool is not installed (Debian's package prometheus or promtool)"
)
ID = "0123456789ab" + "c" * 52


def read(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def promtool(*argv: str) -> None:
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, *argv], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def rules() -> list[dict[str, Any]]:
    return [rule for file in RULES for group in read(file)["groups"] for rule in group["rules"]]


def panels(board: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(board.read_text(encoding="utf-8"))["panels"]
    return found


def queries(kind: str) -> Iterator[str]:
    """What the dashboards ask one kind of source, with Grafana's own variables filled in."""
    for board in BOARDS:
        for panel in panels(board):
            for target in panel["targets"]:
                if target["datasource"]["type"] == kind:
                    yield re.sub(r"\$__(rate_interval|auto)", "5m", target["expr"])


@with_promtool
def test_prometheus_takes_its_configuration(tmp_path: Path) -> None:
    (tmp_path / "inference_token").write_text("token")
    text = (PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8")
    text = text.replace("/run/secrets", str(tmp_path))
    text = text.replace("/etc/prometheus/rules", str(PROMETHEUS / "rules"))
    (tmp_path / "prometheus.yml").write_text(text, encoding="utf-8")
    promtool("check", "config", "--lint-fatal", str(tmp_path / "prometheus.yml"))


@with_promtool
def test_alerts_fire_when_they_should_and_only_then() -> None:
    promtool("test", "rules", *map(str, CASES))


def test_every_alert_is_seen_firing_in_a_case() -> None:
    alerts = {rule["alert"] for rule in rules() if "alert" in rule}
    fired = {
        check["alertname"]
        for file in CASES
        for case in read(file)["tests"]
        for check in case.get("alert_rule_test", [])
        if check["exp_alerts"]
    }
    assert alerts == fired


def test_every_alert_says_how_urgent_it_is() -> None:
    for rule in rules():
        if "alert" in rule:
            assert rule["labels"]["severity"] in {"page", "ticket"}, rule["alert"]
            assert rule["annotations"]["summary"]


@with_promtool
def test_what_the_dashboards_ask_prometheus_can_be_parsed(tmp_path: Path) -> None:
    asked = [
        {"record": f"dashboard:query:{number}", "expr": expr}
        for number, expr in enumerate(queries("prometheus"))
    ]
    assert len(asked) > 50
    file = tmp_path / "dashboards.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": asked}]}))
    promtool("check", "rules", str(file))


def told_by_us() -> set[str]:
    """The names of every series that web, inference and the service pitr tell."""
    names = {name for name, _ in web_metrics.SERIES.values()}
    names |= {web_metrics.HEARTBEAT, *console_metrics.NAMES}
    names |= {f"django_migrations_{word}_total" for word in ("unapplied", "applied")}
    names |= set(re.findall(r"pmscoring_\w+", (ROOT / "docker/pitr/pitr.sh").read_text("utf-8")))
    assert inference.ANSWERS  # registers its series beside those of web
    for family in prometheus_client.REGISTRY.collect():
        suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}
        names |= {family.name + suffix for suffix in suffixes.get(family.type, ("",))}
    return names


def test_rules_and_dashboards_ask_only_for_what_is_told() -> None:
    asked = [rule["expr"] for rule in rules()] + list(queries("prometheus"))
    pattern = r"\b(?:http|django|pmscoring|inference|active|process)_\w+(?=[\[{)\s]|$)"
    ours = {name for expr in asked for name in re.findall(pattern, expr)}
    assert len(ours) > 15
    assert ours <= told_by_us()


FRESH = """
import django
django.setup()
from prometheus_client import generate_latest
import pmscoring.metrics
print(generate_latest().decode())
"""


def test_the_cache_is_told_of_before_anything_was_looked_up() -> None:
    """A series that begins with its first event leaves a panel empty until then."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "pmscoring.settings"}
    environment.pop("PROMETHEUS_MULTIPROC_DIR", None)
    done = subprocess.run(
        [sys.executable, "-c", FRESH], env=environment, cwd=ROOT, capture_output=True, check=True
    )
    told = {line.split("{")[0] for line in done.stdout.decode().splitlines() if "{" in line}
    names = {
        name for expr in queries("prometheus") for name in re.findall(r"django_cache_\w+", expr)
    }
    assert len(names) == 3
    assert names <= told


def test_recorded_series_that_are_asked_for_are_recorded() -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    asked = [rule["expr"] for rule in rules()] + list(queries("prometheus"))
    used = {name for expr in asked for name in re.findall(r"\b[a-z]+:[a-z]+:\w+", expr)}
    assert used <= recorded


def test_dashboards_stand_in_a_grid_and_ask_sources_that_are_provisioned() -> None:
    file = ROOT / "docker" / "grafana" / "provisioning" / "datasources" / "datasources.yaml"
    sources = {(source["type"], source["uid"]) for source in read(file)["datasources"]}
    assert {board.stem for board in BOARDS} >= {"web", "scoring", "inference", "host"}
    for board in BOARDS:
        taken: set[tuple[int, int]] = set()
        for panel in panels(board):
            place = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert not cells & taken, (board.stem, panel["title"])
            assert max(x for x, _ in cells) < 24
            taken |= cells
            for target in panel["targets"]:
                source = target["datasource"]
                assert (source["type"], source["uid"]) in sources


@pytest.mark.parametrize(
    "path",
    [
        f"/pmscoring-node-exporter.slice/{ID}",
        f"/some/group/of/the/engine/pmscoring-node-exporter.slice/{ID}",
        f"/pmscoring.slice/pmscoring-node.slice/pmscoring-node-exporter.slice/docker-{ID}.scope",
    ],
)
def test_a_cgroup_tells_its_service_under_both_of_dockers_drivers(path: str) -> None:
    configs = read(PROMETHEUS / "prometheus.yml")["scrape_configs"]
    job = next(job for job in configs if job["job_name"] == "containers")
    told = {}
    for step in job["metric_relabel_configs"]:
        if "target_label" in step and (match := re.fullmatch(step["regex"], path)):
            told[step["target_label"]] = match.expand(step["replacement"].replace("$", "\\"))
    assert told == {"service": "node-exporter", "container": "0123456789ab"}


def test_every_service_but_the_preparing_one_names_its_slice_and_its_lines() -> None:
    base, ours = read(COMPOSE / "compose.yaml"), read(COMPOSE / "monitoring.yaml")
    once = {"prepare", "init-secrets", "prepare-monitoring", "migrate-first"}
    for name in {*base["services"], *ours["services"]} - once:
        service = ours["services"][name]
        assert service["cgroup_parent"] == f"pmscoring-{name}.slice"
        assert "com.docker.compose.service" in service["logging"]["options"]["labels"]


def test_logs_are_kept_for_a_limited_time() -> None:
    loki = read(ROOT / "docker" / "loki" / "loki.yaml")
    [schema] = loki["schema_config"]["configs"]
    assert (schema["store"], schema["schema"]) == ("tsdb", "v13")
    assert loki["compactor"]["retention_enabled"] is True
    assert loki["compactor"]["delete_request_store"] == schema["object_store"]
    assert loki["limits_config"]["retention_period"] == "336h"
    assert loki["analytics"]["reporting_enabled"] is False


def test_alloys_components_forward_to_components_that_are_there() -> None:
    text = (ROOT / "docker" / "alloy" / "config.alloy").read_text(encoding="utf-8")
    text = re.sub(r"//.*$", "", text, flags=re.MULTILINE)
    there = {f"{kind}.{label}" for kind, label in re.findall(r'^([\w.]+) "(\w+)" \{', text, re.M)}
    used = set(re.findall(r"\b((?:loki|local)\.\w+\.\w+)\.(?:receiver|targets)\b", text))
    used |= set(re.findall(r"\b(loki\.source\.\w+\.\w+)\.\w+", text))
    assert used
    assert used <= there
    bare = re.sub(r'"(?:\\.|[^"\\])*"', "", text)
    assert bare.count("{") == bare.count("}")
    assert "docker.sock" not in text


def test_only_the_operations_worker_has_the_engines_socket() -> None:
    for file in COMPOSE.glob("*.yaml"):
        for name, service in (read(file).get("services") or {}).items():
            mounted = str(service.get("volumes", ""))
            assert name == "ops" or "docker.sock" not in mounted, (file.name, name)
            assert "/var/run:" not in mounted


def test_monitoring_is_open_to_this_host_alone() -> None:
    published = [
        port
        for service in read(COMPOSE / "monitoring.yaml")["services"].values()
        for port in service.get("ports", [])
    ]
    assert len(published) == 2
    assert all(port.startswith("127.0.0.1:") for port in published)


def seconds(told: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(s|m)", told).groups()  # type: ignore[union-attr]
    return int(number) * {"s": 1, "m": 60}[unit]


def test_an_update_on_swarm_is_watched_longer_than_illness_takes_to_show() -> None:
    services = read(COMPOSE / "stack.yaml")["services"]
    watched = {name: told for name, told in services.items() if "healthcheck" in told}
    assert set(services) - set(watched) == {"migrate", "prepare"}
    for name, service in watched.items():
        check, deploy = service["healthcheck"], service["deploy"]
        shows = seconds(check["start_period"]) + seconds(check["interval"]) * check["retries"]
        update, rollback = deploy["update_config"], deploy["rollback_config"]
        assert seconds(update["monitor"]) > shows, name
        assert seconds(rollback["monitor"]) > shows, name
        assert update["failure_action"] == "rollback", name


def test_swarm_never_runs_two_of_what_must_be_one() -> None:
    services = read(COMPOSE / "stack.yaml")["services"]
    order = {
        name: told["deploy"]["update_config"]["order"]
        for name, told in services.items()
        if "update_config" in told["deploy"]
    }
    assert {name for name, told in order.items() if told == "start-first"} == {
        "web",
        "worker",
        "inference",
        "haproxy",
    }
    assert services["beat"]["deploy"]["replicas"] == services["postgres"]["deploy"]["replicas"] == 1


def test_swarm_opens_no_port_where_no_address_says_so() -> None:
    nginx = read(COMPOSE / "stack.yaml")["services"]["nginx"]
    # Where PUBLIC_ADDRESS is not set, no node that runs Linux fits, and all do.
    condition = "node.platform.os != ${PUBLIC_ADDRESS:-linux}"
    assert condition in nginx["deploy"]["placement"]["constraints"]
    services = read(COMPOSE / "stack.yaml")["services"]
    assert {name for name, service in services.items() if "ports" in service} == {"nginx"}


def test_swarm_and_compose_share_no_volume() -> None:
    swarm = read(COMPOSE / "stack.yaml")["volumes"]
    names = {name: volume["name"] for name, volume in swarm.items()}
    assert names == {name: f"${{COMPOSE_PROJECT_NAME:-pmscoring}}_swarm_{name}" for name in swarm}
