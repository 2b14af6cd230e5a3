"""The shell scripts that make and Compose call, with a docker command of the test's."""

import json
import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.paths import ROOT

COMPOSE = ROOT / "compose"
FILES = (
    "compose.yaml",
    "version.sh",
    "site.sh",
    "up.sh",
    "upgrade.sh",
    "migrate-first.sh",
    "swarm-deploy.sh",
)
CALL = [
    "compose",
    "--project-name=site",
    "up",
    "--image=registry/pm-scoring-app:2",
    "migrate-first",
]


class Site:
    """A folder with the scripts, and a docker command: a shell script with the words in "$*"."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.compose = folder, folder / "compose"
        self.compose.mkdir()
        for name in FILES:
            (self.compose / name).write_bytes((COMPOSE / name).read_bytes())
            (self.compose / name).chmod(0o755)
        self.docker('echo "$*" >>"$CALLS"; exit 1')

    def docker(self, script: str) -> None:
        command = self.folder / "bin" / "docker"
        command.parent.mkdir(exist_ok=True)
        command.write_text(f"#!/bin/sh\n{script}\n")
        command.chmod(0o755)

    def run(self, *argv: str, **variables: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.folder}/bin:{os.environ['PATH']}"
        environment = {"PATH": path, "CALLS": f"{self.folder}/calls", **variables}
        argv = (str(self.compose / argv[0]), *argv[1:])
        return subprocess.run(
            argv, env=environment, capture_output=True, text=True, check=False, timeout=30
        )

    def git(self, *words: str) -> None:
        author = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        subprocess.run(["git", *author, *words], cwd=self.folder, check=True, capture_output=True)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A folder of its own."""
    return Site(tmp_path)


@pytest.fixture
def checkout(site: Site) -> Site:
    """The same with a commit."""
    if not shutil.which("git"):
        pytest.skip("git is not here")
    site.git("init", "-q")
    site.git("add", "compose")
    site.git("commit", "-q", "-m", "first")
    return site


def wanted(site: Site, **variables: str) -> str:
    return site.run("version.sh", "wanted", **variables).stdout.strip()


def test_a_commit_has_a_version_of_its_own(checkout: Site) -> None:
    first = wanted(checkout)
    assert first.startswith("0.1.0-g")
    checkout.git("commit", "-q", "--allow-empty", "-m", "second")
    assert wanted(checkout) not in ("", first)


def test_changes_that_no_commit_has_are_a_version_of_their_own(checkout: Site) -> None:
    first = wanted(checkout)
    (checkout.compose / "compose.yaml").open("a").write("# changed\n")
    changed = wanted(checkout)
    (checkout.compose / "another.yaml").write_text("# new\n")
    assert first != changed != wanted(checkout)
    assert changed.startswith(f"{first}.")


def test_what_enters_no_image_makes_no_version(checkout: Site) -> None:
    first = wanted(checkout)
    (checkout.folder / "notes.txt").write_text("of mine")
    assert wanted(checkout) == first


def test_a_version_that_is_named_counts_and_a_registry_has_no_checkout(checkout: Site) -> None:
    assert wanted(checkout, VERSION="1.4.0") == "1.4.0"
    assert wanted(checkout, REGISTRY_URL="registry.example/pm") == "0.1.0"


def test_without_a_checkout_it_is_the_files_version(site: Site) -> None:
    assert wanted(site) == "0.1.0"


def test_what_runs_comes_before_what_is_wanted(site: Site) -> None:
    site.docker('case "$1" in ps) echo 1a2b;; inspect) echo registry/pm-scoring-app:0.9.0;; esac')
    assert site.run("version.sh", VERSION="1.4.0").stdout == "0.9.0\n"
    assert site.run("version.sh", "live").stdout == "0.9.0\n"


def test_what_has_stopped_comes_before_what_is_wanted_where_nothing_runs(site: Site) -> None:
    site.docker(
        'case "$*" in *=running*) ;; *=exited*) echo 1a2b;;'
        " inspect*) echo registry/pm-scoring-app:0.9.0;; esac"
    )
    assert site.run("version.sh", VERSION="1.4.0").stdout == "0.9.0\n"


def test_variables_are_read_as_compose_reads_them(site: Site) -> None:
    (site.compose / ".env").write_text(
        "# comment\nOVERLAYS=production security\n"
        'TLS_HOSTS="a,b"\nLOG_LEVEL=INFO\n'
        "X=$(touch no)'\n"
    )
    script = 'eval "$("$0" exports)"; echo "$OVERLAYS|$TLS_HOSTS|$LOG_LEVEL|$X"'
    done = subprocess.run(
        ["sh", "-c", script, str(site.compose / "site.sh")],
        env={"PATH": os.environ["PATH"], "SITE": "public", "LOG_LEVEL": "DEBUG"},
        capture_output=True,
        text=True,
        check=True,
        cwd=site.folder,
    )
    assert done.stdout.strip() == "production security|a,b|DEBUG|$(touch no)'"
    assert not (site.folder / "no").exists()


@pytest.mark.parametrize(
    ("version", "is_enough"),
    [("2.35.1", False), ("v2.24.5", False), ("2.36.0", True), ("2.40.3", True), ("5.6.1", True)],
)
def test_make_up_names_a_compose_that_is_too_old(site: Site, version: str, is_enough: bool) -> None:
    site.docker(f"echo {version}")
    done = site.run("up.sh", "check")
    assert (done.returncode == 0) is is_enough
    assert ("too old: 2.36 or later" in done.stderr) is not is_enough


def said(done: subprocess.CompletedProcess[str]) -> list[dict[str, str]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_first_start_has_nothing_to_migrate_first(site: Site) -> None:
    site.docker('[ "$1" = ps ]')
    done = site.run("migrate-first.sh", *CALL)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("deed", ["down", "stop", "metadata"])
def test_other_deeds_of_compose_ask_the_engine_nothing(site: Site, deed: str) -> None:
    done = site.run("migrate-first.sh", "compose", "--project-name=site", deed, "migrate-first")
    assert (done.returncode, done.stdout) == (0, "")
    assert not (site.folder / "calls").exists()


RUNS = """case "$1" in
    ps) echo 1a2b ;;
    image) echo sha256:new ;;
    inspect) echo sha256:old ;;
    run)
        echo "$*" >>"$CALLS"
        printf 'Applying scoring.0012_x...\\n\\n a "quoted" \\\\ word\\n'
        exit %d ;;
esac"""


def test_a_failure_stops_compose_with_the_migrations_own_words(site: Site) -> None:
    site.docker(RUNS % 1)
    done = site.run("migrate-first.sh", *CALL, "--secrets=./secrets", "--database=postgresql://x/y")
    assert done.returncode == 1
    last = said(done)[-1]
    assert last["type"] == "error"
    assert last["message"].startswith("Nothing was replaced: the old containers serve as before.\n")
    assert 'a "quoted" \\ word' in last["message"]


def test_it_runs_the_new_image_with_no_more_than_it_needs(site: Site) -> None:
    site.docker(RUNS % 0)
    done = site.run("migrate-first.sh", *CALL, "--secrets=./secrets", "--database=postgresql://x/y")
    assert [line["type"] for line in said(done)] == ["info", "info"]
    [call] = (site.folder / "calls").read_text().splitlines()
    assert "--network site_database" in call
    assert f"{site.compose}/./secrets/database_password:/run/secrets/database_password:ro" in call
    assert "--read-only --cap-drop ALL" in call
    assert call.endswith("registry/pm-scoring-app:2 python manage.py migrate_first")


def test_an_engine_that_is_away_stops_compose(site: Site) -> None:
    done = site.run("migrate-first.sh", *CALL)
    assert done.returncode == 1
    assert "does not answer; nothing was replaced" in said(done)[-1]["message"]


COMPOSE_UP = """case "$*" in
    "ps -q "*) echo one ;;
    *" config --hash"*) ;;
    *" config"*) cat "$CONFIGURED" ;;
    *service=web*) echo one ;;
    *service=worker*) printf 'one\\ntwo\\nthree\\nfour\\n' ;;
    *) echo "$*" >>"$CALLS" ;;
esac"""


CONFIGURED = """services:
  web:
    deploy:
      replicas: 3
  worker:
    deploy:
      replicas: 2
"""


PUBLISHED = """services:
  haproxy:
    ports:
      - mode: ingress
        host_ip: 127.0.0.1
        target: 8080
        published: "%d"
        protocol: tcp
networks:
  frontend: {}
"""
FIRST_UP = """case "$*" in
    "ps "*) ;;
    *" config --hash"*) ;;
    *" config"*) cat "$CONFIGURED" ;;
    *) echo "$*" >>"$CALLS" ;;
esac"""


def first_up(site: Site, port: int) -> subprocess.CompletedProcess[str]:
    """`make up` where nothing runs yet."""
    site.docker(FIRST_UP)
    configured = site.folder / "configured"
    configured.write_text(PUBLISHED % port)
    variables = {"CONFIGURED": str(configured), "LIVE": "", "WANTED": "1"}
    return site.run("up.sh", "docker", "compose", **variables)


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux has /proc")
@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::"])  # noqa: S104
def test_a_taken_port_is_named_before_anything_is_started(site: Site, address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as other:
        other.bind((address, 0))
        other.listen()
        port = other.getsockname()[1]
        done = first_up(site, port)
    assert done.returncode == 1
    assert f"127.0.0.1:{port}, which haproxy is to publish, is taken" in done.stderr
    assert not (site.folder / "calls").exists()


def test_a_port_of_another_address_or_a_free_one_is_no_obstacle(site: Site) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.2", 0))
        other.listen()
        assert first_up(site, other.getsockname()[1]).returncode == 0
    assert " up -d " in (site.folder / "calls").read_text()


def ups(site: Site, **variables: str) -> list[str]:
    """The calls by which `make up` starts what is missing, on a site that runs."""
    site.docker(COMPOSE_UP)
    says = site.folder / "configured"
    says.write_text(CONFIGURED)
    variables |= {"LIVE": "1", "WANTED": "1", "CONFIGURED": str(says)}
    done = site.run("up.sh", "docker", "compose", **variables)
    assert done.returncode == 0, done.stderr
    return (site.folder / "calls").read_text().splitlines()


def test_make_up_keeps_the_numbers_that_there_are_fewer_or_more(site: Site) -> None:
    (call,) = ups(site)
    assert call.endswith(" --scale web=1 --scale worker=4"), call


def test_make_up_takes_a_number_that_is_asked_for_on_the_call(site: Site) -> None:
    (call,) = ups(site, API_REPLICAS="3")
    assert "web" not in call
    assert call.endswith(" --scale worker=4"), call


def test_what_make_up_recreates_keeps_its_number_too(site: Site) -> None:
    recreated, _started = ups(site, RECREATE="worker haproxy")
    assert recreated.endswith(" --scale worker=4 worker haproxy"), recreated


BROKEN_OFF = """case "$1" in
    ps) case "$*" in *status=exited) printf '1a\\n2b\\n' ;; esac ;;
    inspect) printf '/site-web-1\\n\\n/site-ops-1\\n' ;;
    start) echo "$*" >>"$CALLS" ;;
esac"""


def test_make_up_starts_what_stopped_in_the_middle_of_a_deployment_as_it_was(site: Site) -> None:
    site.docker(BROKEN_OFF)
    done = site.run("up.sh", "docker", "compose", LIVE="1\n2", WANTED="1")
    assert done.returncode == 1
    assert (site.folder / "calls").read_text() == "start site-web-1 site-ops-1\n"
    assert "were started as they were: site-web-1 site-ops-1\n" in done.stdout
    assert "Several versions run side by side: 1 2" in done.stderr


SWARM = """case "$1 $2" in
    "info --format") echo true ;;
    "service inspect")
        case "$*" in
            *Image*) echo registry/pm-scoring-app:0.9.0@sha256:1 ;;
            *_web) echo 5 ;;
            *_ops) ;;
            *) exit 1 ;;
        esac ;;
    "stack deploy") echo "$API_REPLICAS|$WORKER_REPLICAS|$VERSION|$*" ;;
esac"""


def test_a_stack_is_deployed_at_the_numbers_and_the_version_that_there_are(site: Site) -> None:
    site.docker(SWARM)
    (site.compose / ".env").write_text("API_REPLICAS=3\nWORKER_REPLICAS=2\n")
    done = site.run("swarm-deploy.sh", SITE="public")
    last = done.stdout.splitlines()[-1]
    assert last.startswith("5|2|0.9.0|stack deploy"), done.stdout + done.stderr
    assert "web stays at 5" in done.stdout


def test_a_number_that_is_asked_for_counts_more(site: Site) -> None:
    site.docker(SWARM)
    done = site.run("swarm-deploy.sh", SITE="public", API_REPLICAS="7", VERSION="1.0.0")
    assert done.stdout.splitlines()[-1].startswith("7||1.0.0|"), done.stdout + done.stderr


@pytest.mark.parametrize(("address", "says"), [("", "nothing is open"), ("0.0.0.0", "")])  # noqa: S104
def test_swarm_opens_what_public_address_says(site: Site, address: str, says: str) -> None:
    site.docker(SWARM)
    done = site.run("swarm-deploy.sh", SITE="public", PUBLIC_ADDRESS=address)
    assert done.returncode == 0
    assert says in done.stdout


def test_swarm_refuses_an_address_that_it_cannot_keep_to(site: Site) -> None:
    site.docker(SWARM)
    done = site.run("swarm-deploy.sh", SITE="public", PUBLIC_ADDRESS="127.0.0.1")
    assert done.returncode == 1
    assert "opens ports at every address of a node" in done.stderr


UPGRADE = """echo "$*" >>"$CALLS"
case "$*" in
    "compose ps -q ops") echo 1a2b ;;
    *Environment.objects.here*) echo production ;;
    *--follow) exit 0 ;;
    *" ops python manage.py "*) exit ${ENDS:-0} ;;
esac"""
CONSOLE = "compose exec -T ops python manage.py"


def upgraded(site: Site, deed: str, **variables: str) -> tuple[int, list[str]]:
    """How `make upgrade` or `make rollback` ends on a site, and what of it ran in ops."""
    site.docker(UPGRADE)
    versions = {"LIVE": "1.0.0", "WANTED": "1.1.0"}
    done = site.run("upgrade.sh", deed, "docker", "compose", **versions, **variables)
    calls = (site.folder / "calls").read_text().splitlines()
    return done.returncode, [call for call in calls if call.startswith(CONSOLE)][1:]


@pytest.mark.parametrize(
    ("deed", "variables", "words"),
    [
        ("upgrade", {}, "deploy production --version 1.1.0"),
        ("upgrade", {"DRY": "1"}, "deploy production --version 1.1.0 --dry-run"),
        (
            "upgrade",
            {"MAINTENANCE": "1", "REASON": "exam over", "YES": "1"},
            "deploy production --version 1.1.0 --maintenance --reason exam over --yes",
        ),
        ("rollback", {}, "rollback production"),
        ("rollback", {"TO": "0.9.0", "DRY": "1"}, "rollback production --to 0.9.0 --dry-run"),
        ("rollback", {"REASON": "slow", "YES": "1"}, "rollback production --reason slow --yes"),
    ],
)
def test_make_upgrade_and_make_rollback_ask_the_console(
    site: Site, deed: str, variables: dict[str, str], words: str
) -> None:
    assert upgraded(site, deed, **variables) == (0, [f"{CONSOLE} {words}"])


@pytest.mark.parametrize("deed", ["upgrade", "rollback"])
def test_they_end_as_the_console_does(site: Site, deed: str) -> None:
    status, _calls = upgraded(site, deed, ENDS="3")
    assert status == 3


@pytest.mark.parametrize("deed", ["upgrade", "rollback"])
def test_they_follow_on_in_the_worker_that_replaced_the_one_that_was_asked(
    site: Site, deed: str
) -> None:
    status, calls = upgraded(site, deed, ENDS="137")
    assert status == 0
    assert calls[-1] == f"{CONSOLE} deploy production --follow"


def test_going_back_starts_the_operations_worker_with_no_other_settings(site: Site) -> None:
    """Those of compose/.env go with a deployment, and going back is none of them."""
    upgraded(site, "rollback")
    assert " up -d " not in (site.folder / "calls").read_text()


@pytest.mark.parametrize("deed", ["upgrade", "rollback"])
def test_where_nothing_runs_they_say_how_to_start(site: Site, deed: str) -> None:
    done = site.run("upgrade.sh", deed, "docker", "compose", LIVE="", WANTED="1.1.0")
    assert done.returncode == 1
    assert done.stderr == f"make {deed}: nothing runs here: make up starts it\n"
    assert not (site.folder / "calls").exists()
