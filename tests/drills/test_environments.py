"""An environment laid out beside production from nothing, deployed, cloned into, and removed.

Production's containers, images and volumes, and a bystander's, are the same before and after.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.local_servers import free_port
from tests.stack import versions
from tests.stack.conftest import Told
from tests.stack.engine import EngineError, docker, inspect, wait_for
from tests.stack.stack import Container, Stack, free_prefix

BASE = os.environ.get("VERSION") or "0.1.0"
OTHER = "drill-staging"
"""What is deployed into staging while production stays as it is."""
PROJECT = "pmscoring-environments"
STAGING = f"{PROJECT}-staging"
BYSTANDER = f"{STAGING}-bystander"
SMALL = {
    "WEB_MEMORY": "512M",
    "WEB_MEMORY_RESERVED": "128M",
    "WORKER_MEMORY": "768M",
    "WORKER_MEMORY_RESERVED": "128M",
    "INFERENCE_MEMORY_RESERVED": "128M",
    "POSTGRES_MEMORY": "512M",
    "POSTGRES_MEMORY_RESERVED": "128M",
    "MODEL_CACHE_SIZE": "256m",
}
TEXT = "a candidate's own words"


@dataclass
class Site:
    """A small production, whose operations worker is asked."""

    stack: Stack

    def manage(self, *words: str, timeout: float = 600) -> Any:
        """The document that a command of manage.py prints in the operations worker."""
        ops = self.stack.container("ops")
        return json.loads(ops.run("python", "manage.py", *words, "--json", timeout=timeout))

    def run(self, *words: str) -> Any:
        """The same of `run`, where all that follows the environment is the other command's."""
        argv = ["python", "manage.py", "run", "--json", *words]
        return json.loads(self.stack.container("ops").run(*argv, timeout=300))

    def state(self) -> dict[str, Any]:
        """What runs in production and what is there of it, and of the bystander."""
        return {
            "containers": {
                one.id: (one.told["State"]["StartedAt"], one.told["Image"])
                for one in self.stack.containers(ended=True)
                if one.told["Config"]["Labels"].get("com.docker.compose.oneoff") != "True"
            },
            "images": {one["image"]: image_id(one["image"]) for one in self._services()},
            # The containers that are the same use them, so that none was removed and made anew.
            "volumes": sorted(names("volume", "ls", f"com.docker.compose.project={PROJECT}")),
            "networks": sorted(names("network", "ls", f"com.docker.compose.project={PROJECT}")),
            "bystander": [
                docker("inspect", "-f", "{{.State.StartedAt}} {{.Image}}", BYSTANDER).strip(),
                docker("volume", "inspect", "-f", "{{.CreatedAt}}", BYSTANDER).strip(),
                image_id(f"{BYSTANDER}:1"),
            ],
        }

    def _services(self) -> list[dict[str, Any]]:
        services: dict[str, dict[str, Any]] = self.stack.config()["services"]
        return list(services.values())


def image_id(reference: str) -> str:
    """What the name means on the engine."""
    return docker("image", "inspect", "-f", "{{.Id}}", reference).strip()


def names(kind: str, deed: str, label: str) -> list[str]:
    return docker(kind, deed, "-q", f"--filter=label={label}").split()


def of_staging(service: str = "") -> list[Container]:
    """The containers of staging, ended or not."""
    filters = [f"--filter=label=com.docker.compose.project={STAGING}"]
    filters += [f"--filter=label=com.docker.compose.service={service}"] if service else []
    return [Container(told) for told in inspect(*docker("ps", "-aq", *filters).split())]


def images_of(service: str) -> set[str]:
    """The ids of the images that its containers run."""
    return {one.told["Image"] for one in of_staging(service)}


def remains() -> list[str]:
    """Containers, volumes and networks of staging."""
    label = f"com.docker.compose.project={STAGING}"
    containers = docker("ps", "-aq", f"--filter=label={label}").split()
    return [*containers, *names("volume", "ls", label), *names("network", "ls", label)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A small production, and something that is nobody's, of a name like staging's."""
    folder = tmp_path_factory.mktemp("environments")
    overlays = ("production", "test")
    stack = Stack(folder, free_prefix(), project=PROJECT, overlays=overlays)
    stack.more |= {
        **SMALL,
        "VERSION": BASE,
        "OVERLAYS": " ".join(overlays),
        "COMPOSE_PROFILES": "ops",
        "API_REPLICAS": "1",
    }
    clear(stack)
    try:
        versions.build("good", OTHER)
        stack.write_secrets()
        docker("tag", stack.app, f"{BYSTANDER}:1")
        docker("volume", "create", BYSTANDER)
        volume = f"--volume={BYSTANDER}:/kept"
        docker("run", "-d", f"--name={BYSTANDER}", volume, f"{BYSTANDER}:1", "sleep", "86400")
        stack.up()
        yield Site(stack)
    finally:
        clear(stack)
        versions.remove(OTHER)


def clear(stack: Stack) -> None:
    """Everything that the test may have made."""
    for kind, deed in (("container", "rm"), ("volume", "rm"), ("network", "rm")):
        label = f"--filter=label=com.docker.compose.project={STAGING}"
        found = docker(kind, "ls", "-q", *(["-a"] if kind == "container" else []), label).split()
        if found:
            docker(kind, deed, "-f", *found)
    stack.down("--volumes")
    for words in (["rm", "-f", BYSTANDER], ["volume", "rm", BYSTANDER], ["rmi", f"{BYSTANDER}:1"]):
        try:
            docker(*words)
        except EngineError:
            continue


@pytest.fixture(scope="module")
def before(site: Site) -> dict[str, Any]:
    """Production as it is before staging is added."""
    wait_for(lambda: site.manage("environments"), 120, "the installation has entered itself")
    wait_for(
        lambda: site.manage("environments", "status", "production")["state"] == "healthy",
        120,
        "all of it is healthy",
    )
    return site.state()


def test_the_installation_has_entered_itself(site: Site, before: dict[str, Any]) -> None:
    [here] = site.manage("environments")
    assert (here["code"], here["kind"], here["engine"]) == ("production", "production", "compose")
    status = site.manage("environments", "status", "production")
    replicas = {one["name"]: one["replicas"] for one in status["services"]}
    assert {"web", "worker", "beat", "ops", "postgres", "haproxy"} <= set(replicas)
    web = replicas["web"][0]
    assert (web["state"], web["health"]) == ("running", "healthy")
    assert web["digest"].startswith("sha256:")
    assert web["memory_bytes"] > 10_000_000
    assert status["state"] == "healthy", status


def test_staging_is_added_and_its_first_deployment_lays_it_out(
    site: Site, before: dict[str, Any], told: Told
) -> None:
    words = [word for name, value in SMALL.items() for word in ("--set", f"{name}={value}")]
    subnet, port = free_prefix(), str(free_port())
    added = site.manage(
        "environments", "add", "staging", "--subnet", subnet, "--haproxy-port", port, *words
    )
    assert added["state"] == "added"
    assert remains() == []

    done = site.manage("deploy", "staging", "--version", BASE, "--yes")

    assert done["state"] == "live", done
    status = site.manage("environments", "status", "staging")
    assert status["state"] == "healthy", status
    [web] = of_staging("web")
    assert web.health == "healthy"
    assert all(address.startswith(f"{subnet}.") for address in web.addresses.values())
    told(f"staging laid out from nothing in {done['seconds']:.0f} s")


def test_its_secrets_are_its_own_and_closed(site: Site, before: dict[str, Any]) -> None:
    own = site.stack.secrets / "environments" / "staging"
    assert own.stat().st_mode & 0o777 == 0o700
    for name in ("secret_key", "database_password", "broker_password", "inference_token"):
        assert (own / name).read_text() != site.stack.secret(name)


def test_its_commands_run_there(site: Site, before: dict[str, Any]) -> None:
    ran = site.run("staging", "check")
    assert (ran["exit_code"], ran["state"]) == (0, "done")
    assert "no issues" in ran["output"]


def test_another_version_is_deployed_there_alone(
    site: Site, before: dict[str, Any], told: Told
) -> None:
    done = site.manage("deploy", "staging", "--version", OTHER, "--yes")

    assert done["state"] == "live", done
    assert images_of("web") == {image_id(versions.name("app", OTHER))}
    assert site.state() == before
    told(f"another version in staging in {done['seconds']:.0f} s, production untouched")


def test_its_web_is_scaled_there_and_not_in_production(site: Site, before: dict[str, Any]) -> None:
    assert site.manage("scale", "staging", "web", "2")["state"] == "done"
    assert len(of_staging("web")) == 2
    assert images_of("web") == {image_id(versions.name("app", OTHER))}
    assert len(site.stack.containers("web")) == 1
    site.manage("scale", "staging", "web", "1")
    assert len(of_staging("web")) == 1


def test_a_scrubbed_copy_of_a_backup_goes_into_it(
    site: Site, before: dict[str, Any], told: Told
) -> None:
    site.stack.manage(
        "shell", "-v", "0", "-c",
        "from django.contrib.auth.models import User;"
        " User.objects.create_superuser('tanaka', 'tanaka@example.com', 'a passphrase')",
    )  # fmt: skip
    made = site.manage("backup", "--only", "database,uploads")

    done = site.manage("restore", made["id"], "--to", "staging")

    assert done["restore"]["state"] == "done"
    script = (
        "from django.contrib.auth.models import User;"
        " print([(u.username, u.email, u.has_usable_password()) for u in User.objects.all()])"
    )
    users = of_staging("web")[0].run("python", "manage.py", "shell", "-v", "0", "-c", script)
    assert "tanaka" not in users
    assert "True" not in users
    assert "tanaka" in site.stack.sql("SELECT username FROM auth_user")[-1]
    told(f"scrubbed copy of a backup in staging, restored there in {done['restore']['seconds']} s")


def test_production_is_no_target_and_is_not_removed(site: Site, before: dict[str, Any]) -> None:
    made = site.manage("backups")[0]
    for words in (
        ("restore", made["id"], "--to", "production"),
        ("environments", "remove", "production", "--yes"),
    ):
        with pytest.raises(EngineError, match=r"cannot be the target|does not remove itself"):
            site.manage(*words)


def test_it_is_removed_with_its_last_backup_kept_here(
    site: Site, before: dict[str, Any], told: Told
) -> None:
    gone = site.manage("environments", "remove", "staging", "--yes")

    assert gone["state"] == "removed", gone
    assert remains() == []
    own = site.stack.secrets / "environments" / "staging"
    assert not own.exists()
    kept = [one for one in site.manage("backups") if one["origin"] == "uploaded"]
    assert [one["state"] for one in kept] == ["stored"]
    verified = site.manage("verify", kept[0]["id"])
    assert verified["verified"]
    told("staging removed; its last backup is here and restores")


def test_production_and_the_bystander_are_as_they_were(site: Site, before: dict[str, Any]) -> None:
    assert site.state() == before
