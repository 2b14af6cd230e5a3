"""Which parts this machine runs: what the environment does not point to elsewhere."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from pmscoring.base import env
from pmscoring.embedded.accounts import bare
from pmscoring.embedded.cluster import Cluster
from pmscoring.embedded.folders import ROOT
from pmscoring.embedded.parts import Part, Step, answers_http
from pmscoring.embedded.passwords import kept_secrets
from pmscoring.embedded.ports import chosen_ports
from pmscoring.embedded.valkey import Valkey
from pmscoring.embedded.workers import workers

PYTHONPATH = f"{ROOT}{os.pathsep}{ROOT / 'docker' / 'inference'}"


@dataclass(frozen=True)
class Plan:
    """What is done and started, in order, with the environment that every child is given."""

    run: Path
    work: list[Part | Step]
    environment: dict[str, str]
    ports: dict[str, int]
    web: str

    @property
    def parts(self) -> list[Part]:
        """The parts without the steps between them."""
        return [item for item in self.work if isinstance(item, Part)]

    @property
    def used_ports(self) -> dict[str, int]:
        """The ports on which a part of ours listens."""
        names = {"supervisor", *(part.name for part in self.parts)}
        return {name: port for name, port in self.ports.items() if name in names}


def plan(var: Path, models: Path, *, web_port: int) -> Plan:
    """The whole installation under the folder `var`; raises CannotStart and env.BadSetting."""
    run = var / "run"
    ports = chosen_ports(
        {"web": web_port, "postgres": 0, "valkey": 0, "inference": 0, "supervisor": 0}
    )
    common = _environment(run, var)
    work: list[Part | Step] = []
    if not env.text("DATABASE_URL", ""):
        cluster = Cluster.under(var)
        common["DATABASE_URL"] = cluster.url(ports["postgres"])
        # A set variable that is empty counts as one that is not set.
        common["POSTGRES_BIN"] = env.text("POSTGRES_BIN", "") or str(cluster.clients)
        work.append(_postgres(cluster, ports["postgres"]))
    if not env.text("REDIS_URL", ""):
        valkey = Valkey.under(var)
        common["REDIS_URL"] = valkey.url(ports["valkey"])
        work.append(_valkey(valkey, ports["valkey"]))
    if _restore_broke_off(var):
        # Before anything looks at the database, which may refuse connections.
        work.append(_manage("recovery", "restore", "--recover"))
    work += [_manage("migrate", "migrate", "--noinput"), _first_user()]
    work.append(_manage("static", "collectstatic", "--noinput", "--verbosity", "0"))
    if not env.text("INFERENCE_URL", ""):
        common["INFERENCE_URL"] = f"http://127.0.0.1:{ports['inference']}"
        work += _inference(models, ports["inference"])
    work += [*workers(common), _beat(), _web(run, ports["web"])]
    web = f"http://{_web_host()}:{ports['web']}"
    return Plan(run, work, common, ports, web)


def _restore_broke_off(var: Path) -> bool:
    """Whether a restore was killed: its journal lies among the uploads until it has ended."""
    uploads = Path(env.text("UPLOADS_DIR", str(var / "uploads")))
    return any(uploads.glob(".restore-*/journal.json"))


def _environment(run: Path, var: Path) -> dict[str, str]:
    """What every child is given; a secret that the environment lacks is made and kept."""
    common = dict(os.environ) | {"PYTHONPATH": PYTHONPATH, "PYTHONUNBUFFERED": "1"}
    common.pop("PROMETHEUS_MULTIPROC_DIR", None)  # the web server's alone
    common |= {"DJANGO_SETTINGS_MODULE": "pmscoring.settings", "VAR_DIR": str(var)}
    common["ENGINE"] = "embedded"
    common.setdefault("ENVIRONMENT", "development")
    return common | kept_secrets(run)


def _postgres(cluster: Cluster, port: int) -> Part:
    return Part(
        "postgres",
        bare(cluster.argv(port)),
        rank=0,
        answers=lambda: cluster.answers(port),
        user=cluster.user,
        stop_signal="INT",
        stop_seconds=60,
        check=f"tcp://127.0.0.1:{port}",
    )


def _valkey(valkey: Valkey, port: int) -> Part:
    return Part(
        "valkey",
        bare(valkey.argv(port)),
        rank=1,
        answers=lambda: valkey.answers(port),
        check=f"tcp://127.0.0.1:{port}",
    )


def _inference(models: Path, port: int) -> list[Part | Step]:
    own = models / "e5-small"
    settings = {"INFERENCE_HOST": "127.0.0.1", "INFERENCE_PORT": str(port)}
    settings["SCORING_MODEL"] = env.text("SCORING_MODEL", str(own))
    health = f"http://127.0.0.1:{port}/health"
    service = Part(
        "inference",
        [sys.executable, "-m", "inference_server"],
        rank=2,
        answers=lambda: answers_http(health),
        check=health,
        directory=ROOT,
        starting_seconds=180,
        environment=settings,
    )
    if settings["SCORING_MODEL"] != str(own):
        return [service]
    argv = [sys.executable, "-m", "inference_server.weights", "--to", str(own)]
    return [Step("weights", argv, ROOT), service]


def _beat() -> Part:
    argv = [sys.executable, "-m", "celery", "-A", "pmscoring", "beat"]
    return Part("beat", argv, rank=4, directory=ROOT)


def _web_host() -> str:
    return env.text("PMS_WEB_HOST", "127.0.0.1")


def _web(run: Path, port: int) -> Part:
    host = _web_host()
    seen = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104
    live = f"http://{seen}:{port}/health/live"
    return Part(
        "web",
        [sys.executable, "-m", "gunicorn", "-c", "python:pmscoring.gunicorn"],
        rank=3,
        answers=lambda: answers_http(live),
        check=live,
        directory=ROOT,
        environment={
            "WEB_BIND": f"{host}:{port}",
            "PROMETHEUS_MULTIPROC_DIR": str(run / "prometheus"),
        },
    )


def _manage(name: str, *argv: str) -> Step:
    return Step(name, [sys.executable, str(ROOT / "manage.py"), *argv], ROOT)


def _first_user() -> Step:
    argv = [sys.executable, str(ROOT / "manage.py"), "first_user"]
    return Step("first_user", argv, ROOT, on_terminal=True)
