"""Rows as a web server writes them that was taken over: nothing of them is run.

docs/security.md claims each of these. The engine in memory stands for the real one; what it is
never asked for, the real one is not asked for either.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils.timezone import now
from pytest_django import Settings

from opsconsole.backups import places
from opsconsole.deployments import driver, operations, recovery, releases, removal
from opsconsole.environments import engine, operate
from opsconsole.gateways import notices, stores
from opsconsole.gateways.notices import NoticeError
from opsconsole.gateways.stores import StoreError
from opsconsole.models import Backup, Deployment, Environment, Event, Operation, Release
from opsconsole.models.events import SYSTEM
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.refusals import Busy, Refused
from tests.opsconsole.deployments.conftest import without_waiting
from tests.opsconsole.engines.fake import Fake

pytestmark = pytest.mark.django_db
TOUCHES = {
    "pull",
    "load",
    "point",
    "roll",
    "run_once",
    "start_driver",
    "lay_out",
    "remove",
    "scale",
}
Images = dict[str, dict[str, str]]


def touched(fake: Fake) -> set[str]:
    """What was changed on the engine, or run there."""
    return TOUCHES & set(fake.calls)


@pytest.fixture
def running(here: Environment, fake: Fake) -> Release:
    """The release that runs."""
    release = releases.record_running(here, fake)
    assert release
    fake.calls.clear()
    return release


def driven(environment: Environment, fake: Fake, **fields: Any) -> Deployment:
    """A row that nobody has checked, as the operations worker leaves it."""
    row: dict[str, Any] = {"version": "2", "language": "en"} | fields
    deployment = Deployment.objects.create(environment=environment, **row)
    driver.start(deployment, fake, **without_waiting(fake))
    deployment.refresh_from_db()
    return deployment


def a_release(of: Environment, like: Release, **changes: Any) -> Release:
    fields = {"version": "2", "images": like.images, "variables": like.variables} | changes
    return Release.objects.create(environment=of, **fields)


@pytest.mark.parametrize(
    "version",
    [
        "1/../../evil",
        "1@sha256:0123",
        "evil.example/app:1",
        "1; rm -rf /",
        "$(id)",
        "--privileged",
        "",
        "1\n2",
    ],
)
def test_a_tag_is_a_tag(here: Environment, fake: Fake, running: Release, version: str) -> None:
    deployment = driven(here, fake, version=version)
    assert deployment.status == "failed"
    assert "is no version" in deployment.reason
    assert not touched(fake)
    assert Event.objects.get(deed="deployment.failed").result == "failed"


@pytest.mark.parametrize("bundle", ["../../etc/shadow", "/etc/passwd", "a/b.tar", "x.tar;id", ""])
def test_a_bundle_is_a_file_of_its_folder(
    here: Environment, fake: Fake, running: Release, bundle: str
) -> None:
    deployment = driven(here, fake, source="bundle", bundle=bundle)
    assert (deployment.status, touched(fake)) == ("failed", set())


def test_a_bundle_that_is_a_link_is_not_read(
    here: Environment, fake: Fake, running: Release, settings: Settings
) -> None:
    (settings.BUNDLES_DIR / "linked.tar").symlink_to("/etc/passwd")
    deployment = driven(here, fake, source="bundle", bundle="linked.tar")
    assert deployment.status == "failed"
    assert "there is no bundle linked.tar" in deployment.reason
    assert not touched(fake)


def of_another_registry(images: Images) -> Images:
    image = {"reference": "evil.example/pm-scoring-ops:2", "digest": "sha256:evil"}
    return {**images, "ops": {**image, "repo_digest": "evil.example/pm-scoring-ops@sha256:evil"}}


def of_another_name(images: Images) -> Images:
    return {**images, "web": {**images["web"], "reference": "postgres:17"}}


def of_another_part(images: Images) -> Images:
    return {**images, "web": images["ops"]}


def with_an_option(images: Images) -> Images:
    return {**images, "web": {**images["web"], "digest": "--privileged"}}


def of_a_service_that_is_none_of_ours(images: Images) -> Images:
    return {**images, "postgres": images["web"]}


def by_the_digest_of_somebody_elses(images: Images) -> Images:
    return {**images, "ops": {**images["ops"], "digest": "sha256:postgres-image"}}


@pytest.mark.parametrize(
    "changed",
    [
        of_another_registry,
        of_another_name,
        of_another_part,
        with_an_option,
        of_a_service_that_is_none_of_ours,
        by_the_digest_of_somebody_elses,
    ],
)
def test_a_release_has_our_images_alone(
    here: Environment, fake: Fake, running: Release, changed: Callable[[Images], Images]
) -> None:
    foreign = a_release(here, running, images=changed(running.images))
    deployment = driven(here, fake, source="release", to_release=foreign)
    assert deployment.status == "failed"
    assert any(words in deployment.reason for words in ("of ours", "not our", "no digest"))
    assert not touched(fake)


def test_an_image_is_not_pulled_again_from_another_registry(
    here: Environment, fake: Fake, running: Release
) -> None:
    ops = {"digest": "sha256:gone", "repo_digest": "evil.example/pm-scoring-ops@sha256:gone"}
    images = {**running.images, "ops": {**running.images["ops"], **ops}}
    deployment = driven(
        here, fake, source="release", to_release=a_release(here, running, images=images)
    )
    assert deployment.status == "failed"
    assert "is no longer here" in deployment.reason
    assert not touched(fake)


def test_the_variables_of_a_release_decide_no_folder_image_or_server(
    here: Environment, running: Release
) -> None:
    variables = {
        "DATA_DIR": "/",
        "SECRETS_DIR": "/root",
        "INSTALL_DIR": "/root",
        "DOCKER_SOCKET": "/run/other.sock",
        "POSTGRES_IMAGE": "evil.example/postgres",
        "DATABASE_URL": "postgresql://evil.example/x",
        "LD_PRELOAD": "/tmp/evil.so",
        "LOG_LEVEL": "$(id)",
        "API_REPLICAS": "10000",
        "WEB_MEMORY": "3G",
    }
    release = a_release(here, running, variables=variables)
    version = releases.version_of(release)
    assert version.variables == {
        "COMPOSE_PROJECT_NAME": "pms",
        "INSTALL_DIR": "/opt/pm",
        "SECRETS_DIR": "/opt/pm/compose/secrets",
        "WEB_MEMORY": "3G",
        "VERSION": "2",
    }


def test_a_release_of_another_environment_is_not_deployed(
    here: Environment, staging: Environment, fake: Fake, running: Release
) -> None:
    theirs = a_release(staging, running)
    for fields in ({"to_release": theirs}, {"from_release": theirs}):
        deployment = driven(here, fake, source="release", **fields)
        assert "another environment's" in deployment.reason
        Deployment.objects.all().delete()
    assert not touched(fake)


def test_nobody_goes_back_to_a_foreign_release_either(
    here: Environment, fake: Fake, running: Release
) -> None:
    foreign = a_release(here, running, images=of_another_registry(running.images))
    deployment = Deployment.objects.create(
        environment=here,
        version="2",
        status="rolling",
        from_release=foreign,
        to_release=running,
        claimed_at=recovery.BROKEN,
        started_at=now(),
        language="en",
    )
    recovery.recover(deployment, fake, **without_waiting(fake))
    deployment.refresh_from_db()
    assert deployment.status == "failed"
    assert "is no image of ours" in deployment.reason
    assert not touched(fake)


@pytest.mark.parametrize(
    "names", [("--settings=evil", "0001"), ("scoring", "--fake"), ("a b", "0001"), ("a", "1;id")]
)
def test_no_name_of_a_migration_is_an_option(
    here: Environment, fake: Fake, running: Release, names: tuple[str, str]
) -> None:
    app, name = names
    missing = {"app": app, "name": name, "incompatible": ["drops"], "irreversible": False}
    state = {"begun": True, "missing": [missing], "applied": {app: [name]}}
    deployment = Deployment.objects.create(
        environment=here,
        version="2",
        status="migrating",
        from_release=running,
        to_release=running,
        claimed_at=recovery.BROKEN,
        started_at=now(),
        migrations=state,
        language="en",
    )
    recovery.recover(deployment, fake, **without_waiting(fake))
    deployment.refresh_from_db()
    assert deployment.status == "failed"
    assert "is no migration" in deployment.reason
    asked = ("python", "manage.py", "release_facts", "--json")
    assert {argv for _service, argv, _image in fake.ran} <= {asked}


# Environments


def foreign_environment(**changes: Any) -> Environment:
    fields: dict[str, Any] = {
        "code": "evil",
        "kind": "staging",
        "engine": "compose",
        "project": "evil",
        "overlays": ["staging"],
        "ports": {"HAPROXY_PORT": 8099},
        "subnet_prefix": "172.29",
        "laid_out_at": now(),
    }
    return Environment.objects.create(**fields | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"overlays": ["staging", "../../tmp/evil"]},
        {"overlays": ["/tmp/evil"]},
        {"overlays": ["production"]},
        {"project": "../evil"},
        {"project": "evil; rm -rf /"},
        {"project": "--file"},
        {"project": "pms"},
        {"code": "../../../etc"},
        {"subnet_prefix": "8.8"},
        {"subnet_prefix": "0.0.0/0"},
        {"ports": {"HAPROXY_PORT": "22:22"}},
        {"ports": {"HAPROXY_PORT": 8099, "DOCKER_PORT": 2375}},
        {"variables": {"DATA_DIR": "/"}},
        {"variables": {"POSTGRES_IMAGE": "evil.example/postgres"}},
        {"variables": {"LOG_LEVEL": "x\nDATA_DIR=/"}},
        {"variables": {"LOG_LEVEL": "${PATH}"}},
        {"variables": {"API_REPLICAS": "10000"}},
        {"variables": {"PATH": "/tmp"}},
        {"kind": "moon"},
        {"engine": "swarm"},
        {"engine": "ssh"},
    ],
)
def test_an_environment_is_one_of_those_that_are_shipped(changes: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        engine.engine_of(foreign_environment(**changes))


def test_the_running_installation_is_what_its_site_says(
    here: Environment, settings: Settings
) -> None:
    settings.SITE += "OVERLAYS=production security\n"
    Environment.objects.update(
        project="victim", overlays=["/tmp/evil"], variables={"DATA_DIR": "/"}, ports={"X": 1}
    )
    here.refresh_from_db()
    layout = engine.layout_of(here)
    assert (layout.project, layout.overlays) == ("pms", ["production", "security"])
    assert "DATA_DIR" not in layout.variables


def test_the_running_installation_is_never_removed(
    here: Environment, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "patient_engine_of", lambda environment: fake)
    Environment.objects.update(protected=False)
    done = performed(here, "remove", "production", without_backup=True)
    assert (done.status, touched(fake)) == ("failed", set())


def test_it_is_not_removed_under_another_name_either(here: Environment, fake: Fake) -> None:
    Environment.objects.update(protected=False, is_here=False, kind="staging", engine="compose")
    here.refresh_from_db()
    done = performed(here, "remove", "production", without_backup=True)
    assert done.status == "failed"


# Operations


def performed(environment: Environment, kind: str, target: str, **arguments: Any) -> Operation:
    """A row that nobody has checked, as the operations worker leaves it."""
    operation = Operation.objects.create(
        environment=environment,
        kind=kind,
        target=target,
        arguments=arguments,
        why="because",
        language="en",
    )
    operate.perform(operation, deeds=operations.DEEDS)
    operation.refresh_from_db()
    assert Event.objects.order_by("number").last()
    return operation


@pytest.fixture
def reachable(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """The engine on which operations are performed."""
    for kind in engine.KINDS:
        monkeypatch.setitem(engine.KINDS, kind, lambda environment: fake)
    return fake


@pytest.mark.parametrize(
    ("kind", "target", "arguments"),
    [
        ("restart", "0123456789ab", {}),
        ("restart", "gitlab-web-1", {}),
        ("restart", "", {}),
        ("restart", "--all", {}),
        ("logs", "0123456789ab", {}),
        ("scale", "web", {"replicas": 10_000}),
        ("scale", "web", {"replicas": 0}),
        ("scale", "web", {"replicas": "3; id"}),
        ("scale", "postgres", {"replicas": 2}),
        ("run", "shell", {"words": ["-c", "import os"]}),
        ("run", "flush", {"words": ["--noinput"]}),
        ("run", "check", {"words": ["--settings=evil"]}),
        ("run", "check", {"words": ["--pythonpath=/uploads"]}),
        ("run", "check; id", {"words": []}),
        ("run", "restore", {"words": ["x", "--yes"]}),
        ("run", "verify", {"words": ["../../etc"]}),
        ("run", "backup", {"words": ["--encrypt-to=evil"]}),
        ("run", "backup", {"words": "--note"}),
        ("plan", "", {"version": "1@sha256:0"}),
        ("plan", "", {"version": "--file=x"}),
        ("plan", "", {"release": "00000000-0000-0000-0000-000000000000"}),
        ("rotate", "../../etc/passwd", {}),
        ("rotate", "--to=/etc", {}),
        ("rotate", "database_password; id", {}),
        ("rotate", "secret_key", {}),
        ("whatever", "web", {}),
    ],
)
def test_an_operation_does_what_is_allowed_and_no_more(
    here: Environment, reachable: Fake, kind: str, target: str, arguments: dict[str, Any]
) -> None:
    done = performed(here, kind, target, **arguments)
    assert done.status == "failed"
    assert done.reason
    assert not (touched(reachable) | ({"restart", "logs", "inside"} & set(reachable.calls)))


def test_a_foreign_row_is_refused_once_and_waits_no_longer(
    here: Environment, fake: Fake, running: Release
) -> None:
    deployment = driven(here, fake, version="$(id)")
    with pytest.raises((WrongState, Busy)):
        driver.start(deployment, fake, **without_waiting(fake))
    assert Deployment.objects.waiting().count() == 0
    assert SYSTEM.source == Event.objects.get(deed="deployment.failed").source


@pytest.mark.parametrize("name", ["../../etc", "/etc", "..", "a/../b", "x\0y", ""])
def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    with pytest.raises(places.Unsafe):
        places.folder(Backup(name=name))
    with pytest.raises(StoreError):
        stores.named(name)
    with pytest.raises(NoticeError):
        notices.send(name, "title", "body")
