"""A wrong environment is told at the start, by the variable's name and without its secrets."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as project

from pmscoring import secrets
from pmscoring.base import env
from pmscoring.celery import app
from tests.paths import ROOT

PRODUCTION = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": "k" * 50,
    "ALLOWED_HOSTS": "scoring.example",
    "INFERENCE_TOKEN": "t" * 40,
}


def start(**environment: str) -> subprocess.CompletedProcess[str]:
    """A process that reads the settings in an environment that has nothing else in it."""
    given = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment}
    argv = [sys.executable, "-c", "from pmscoring import settings"]
    return subprocess.run(
        argv, cwd=ROOT, env=given, capture_output=True, text=True, check=False, timeout=60
    )


def told(**environment: str) -> str:
    """The last line of what a process that does not start says."""
    done = start(**environment)
    assert done.returncode != 0, "it started"
    return done.stderr.strip().splitlines()[-1]


def test_it_starts_with_nothing_set_and_in_production_with_what_that_demands() -> None:
    assert start().returncode == 0
    done = start(**PRODUCTION)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["SECRET_KEY", "ALLOWED_HOSTS", "INFERENCE_TOKEN"])
def test_production_demands(name: str, tmp_path: Path) -> None:
    rest = {key: value for key, value in PRODUCTION.items() if key != name}
    assert told(**rest).endswith(f"{name} is not set (nor {name}_FILE)")
    assert f"{name} is not set" in told(**rest, **{name: ""})
    (tmp_path / "empty").touch()
    assert f"{name} is not set" in told(**rest, **{f"{name}_FILE": str(tmp_path / "empty")})
    assert f"{name}_FILE" in told(**rest, **{f"{name}_FILE": str(tmp_path / "missing")})


def test_production_refuses_the_pages_for_debugging() -> None:
    assert "DEBUG" in told(**PRODUCTION, DEBUG="true")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENVIRONMENT", "prod"),
        ("LOG_LEVEL", "LOUD"),
        ("TIME_ZONE", "Mars/Olympus"),
        ("DEBUG", "perhaps"),
        ("DATABASE_POOL", "0"),
        ("DATABASE_POOL", "eight"),
        ("DATABASE_POOL_SECONDS", "nan"),
        ("CELERY_CONCURRENCY", "-1"),
        ("INFERENCE_TIMEOUT", "soon"),
        ("THROTTLE_RATE", "6000"),
        ("THROTTLE_RATE_REFUSED", "0/min"),
        ("INTERNAL_IPS", "10.0.0.1/8"),
        ("INFERENCE_URL", "inference:9000"),
    ],
)
def test_a_bad_value_is_told_by_name(name: str, value: str) -> None:
    line = told(**{name: value})
    assert line.startswith("pmscoring.base.env.BadSetting: ")
    assert name in line


@pytest.mark.parametrize(("proxies", "believed"), [("0", False), ("1", True)])
def test_a_forwarded_protocol_is_believed_of_a_proxy_of_ours_alone(
    proxies: str, believed: bool
) -> None:
    program = (
        "from pmscoring import gunicorn, settings;"
        "print(bool(settings.SECURE_PROXY_SSL_HEADER), repr(gunicorn.forwarded_allow_ips))"
    )
    argv = [sys.executable, "-c", program]
    given = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "NUM_PROXIES": proxies}
    done = subprocess.run(argv, cwd=ROOT, env=given, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(believed), "''"]


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("DATABASE_URL", "postgresql://u:hush#hush@db:5432/x"),
        ("DATABASE_URL", "postgresql://u:hush/hush@db:5432/x"),
        ("DATABASE_URL", "postgresql://u:hush@db:port/x"),
        ("DATABASE_URL", "postgresql://u:hush[@db/x"),
        ("DATABASE_URL", "oracle://u:hush@db/x"),
        ("DATABASE_URL", "hush"),
        ("REDIS_URL", "http://:hush@redis:6379/0"),
        ("BROKER_URL", "redis://:hush@redis:99999/0"),
        ("CACHE_URL", "redis://:hush@:6379/0"),
    ],
)
def test_the_password_in_a_bad_url_is_not_shown(name: str, url: str) -> None:
    done = start(**{name: url})
    assert done.returncode != 0
    assert f"BadSetting: {name} is not a URL" in done.stderr
    assert "hush" not in done.stderr


def test_a_secret_file_that_is_no_text_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"hush\xff\xfe")
    done = start(SECRET_KEY_FILE=str(tmp_path / "key"))
    assert "SECRET_KEY_FILE" in done.stderr.splitlines()[-1]
    assert "hush" not in done.stderr


def test_options_of_the_database_url_are_kept() -> None:
    script = "from pmscoring import settings as s; print(s.DATABASES['default']['OPTIONS'])"
    given = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    given["DATABASE_URL"] = "postgresql://u@db/x?sslmode=require&connect_timeout=9"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=given, capture_output=True, text=True
    )
    assert "'sslmode': 'require'" in done.stdout, done.stderr
    assert "'connect_timeout': 9" in done.stdout


@pytest.mark.parametrize(("value", "level"), [("debug", "DEBUG"), ("Warning", "WARNING")])
def test_case_does_not_matter_in_choices(
    value: str, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEVEL", value)
    assert env.choice("LEVEL", "INFO", ("DEBUG", "INFO", "WARNING")) == level


def test_beat_sends_only_tasks_that_there_are() -> None:
    app.loader.import_default_modules()
    named = {entry["task"] for entry in project.CELERY_BEAT_SCHEDULE.values()}
    assert named <= set(app.tasks)


def test_deployment_checks_find_nothing_where_the_secrets_are_those_that_are_made(
    tmp_path: Path,
) -> None:
    secrets.write_missing(tmp_path, ["localhost"])
    given = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **PRODUCTION}
    given["SECRET_KEY"] = (tmp_path / "secret_key").read_text("utf-8")
    argv = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(argv, cwd=ROOT, env=given, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
