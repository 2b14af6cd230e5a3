"""What the operations worker is told of its site, and by what the console knows what is its own."""

import json
import re
from typing import Any

import pytest
import yaml

from tests.compose.test_combinations import COMPOSE, EXTRAS, KINDS, compose, pytestmark, services

__all__ = ["pytestmark"]
LABEL = "pmscoring.project"
SECRET = {"GRAFANA_PASSWORD"}
TEMPLATES = {"compose": "compose.yaml", "swarm": "stack.yaml"}


def variables() -> set[str]:
    """The names of env.example."""
    text = (COMPOSE / "env.example").read_text("utf-8")
    return set(re.findall(r"^#([A-Z_]+)=", text, re.MULTILINE))


def read(file: str) -> Any:
    return yaml.safe_load((COMPOSE / file).read_text("utf-8"))


@pytest.mark.parametrize("engine", TEMPLATES)
def test_the_operations_worker_is_told_of_every_variable_that_is_no_secret(engine: str) -> None:
    environment = read(TEMPLATES[engine])["services"]["ops"]["environment"]
    wanted = {f"{name}=${{{name}:-}}" for name in variables() - SECRET}
    assert set(environment["SITE"].splitlines()) == wanted
    assert environment["ENGINE"] == engine


def test_every_variable_that_the_files_read_is_in_the_example() -> None:
    texts = [file.read_text("utf-8") for file in COMPOSE.glob("*.yaml")]
    read_there = {name for text in texts for name in re.findall(r"(?<!\$)\$\{([A-Z_]+)", text)}
    assert read_there <= variables()


@pytest.mark.parametrize("name", ["web", "worker", "beat", "ops", "migrate"])
def test_swarm_reads_every_setting_of_the_application_that_compose_reads(name: str) -> None:
    on_compose, on_swarm = (
        read(file)["services"][name]["environment"] for file in ("compose.yaml", "stack.yaml")
    )
    assert on_swarm.keys() == on_compose.keys()


def test_what_the_worker_is_told_is_what_compose_filled_in() -> None:
    site = services("production", API_REPLICAS="4")["ops"]["environment"]["SITE"]
    told = dict(line.split("=", 1) for line in site.splitlines())
    assert (told["API_REPLICAS"], told["WEB_CPUS"]) == ("4", "")
    assert told["COMPOSE_PROJECT_NAME"] == "pmscoring"


@pytest.mark.parametrize("kind", KINDS)
def test_everything_has_the_label_of_its_project(kind: str) -> None:
    made = json.loads(compose((kind, *EXTRAS), "public", "--format", "json"))
    made["services"] = services(kind, *EXTRAS)
    for sort in ("services", "networks", "volumes"):
        for name, thing in made[sort].items():
            assert (thing.get("labels") or {}).get(LABEL) == "pmscoring", (sort, name)


def test_everything_on_swarm_has_the_label_of_its_project() -> None:
    made = read("stack.yaml")
    label = {LABEL: "${COMPOSE_PROJECT_NAME:-pmscoring}"}
    for name, service in made["services"].items():
        assert service["labels"] == service["deploy"]["labels"] == label, name
    for sort in ("networks", "volumes", "secrets", "configs"):
        for name, thing in made[sort].items():
            assert thing["labels"] == label, (sort, name)


def test_two_stacks_of_one_swarm_share_no_secret_and_no_configuration() -> None:
    made = read("stack.yaml")
    names = [thing["name"] for sort in ("secrets", "configs") for thing in made[sort].values()]
    assert all(name.startswith("${COMPOSE_PROJECT_NAME:-pmscoring}_") for name in names)
