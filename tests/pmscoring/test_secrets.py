"""The secrets of a container installation: written once, and read from their files."""

import os
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from pmscoring import secrets
from pmscoring.base import env, files
from pmscoring.base.redaction import redacted
from pmscoring.embedded import plan, workers
from tests.paths import ROOT

SCHEMES = ("redis", "rediss")


def test_it_writes_every_secret_as_a_file_that_any_user_reads_in_a_folder_that_none_opens(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "secrets"
    assert secrets.write_missing(folder, ["localhost"]) == [*secrets.NAMES, "tls"]
    assert folder.stat().st_mode & 0o777 == 0o700
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert len(files) == len(secrets.NAMES) + 2
    assert {file.stat().st_mode & 0o777 for file in files} == {0o444}
    contents = {(folder / name).read_text() for name in secrets.NAMES}
    assert len(contents) == len(secrets.NAMES)
    assert min(map(len, contents)) >= 40


def test_it_makes_empty_folders_for_stores_and_channels_that_a_container_may_enter(
    tmp_path: Path,
) -> None:
    secrets.write_missing(tmp_path / "secrets", ["localhost"])

    for name in ("stores", "channels", "registry", "volumes"):
        folder = tmp_path / "secrets" / name
        assert folder.stat().st_mode & 0o777 == 0o755
        assert list(folder.iterdir()) == []


def test_it_keeps_what_is_there(tmp_path: Path) -> None:
    secrets.write_missing(tmp_path, ["localhost"])
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    assert secrets.write_missing(tmp_path, ["localhost"]) == []
    (tmp_path / "cache_password").unlink()
    assert secrets.write_missing(tmp_path, ["localhost"]) == ["cache_password"]
    after = {file: file.read_bytes() for file in before}
    assert [file.name for file in before if before[file] != after[file]] == ["cache_password"]


@pytest.mark.parametrize("name", ["postgres_password", "database_password", "grafana_password"])
def test_it_invents_no_secret_that_data_were_made_with(tmp_path: Path, name: str) -> None:
    secrets.write_missing(tmp_path, ["localhost"])
    (tmp_path / "volumes" / secrets.DEPENDING[name]).write_text("a mark")
    (tmp_path / name).unlink()
    (tmp_path / "cache_password").unlink()

    done = by_command(tmp_path)

    assert done.returncode == 1
    assert done.stderr.startswith(f"secrets: {name} is missing, and the data in the volume")
    assert not (tmp_path / name).exists()
    assert not (tmp_path / "cache_password").exists()


def test_an_empty_file_is_a_lost_secret(tmp_path: Path) -> None:
    secrets.write_missing(tmp_path, ["localhost"])
    (tmp_path / "volumes" / "postgres").write_text("a mark")
    files.write_whole(tmp_path / "database_password", "", mode=secrets.READABLE)
    with pytest.raises(secrets.Lost, match="database_password"):
        secrets.write_missing(tmp_path, ["localhost"])


def test_a_lost_secret_is_written_anew_where_that_is_asked_for(tmp_path: Path) -> None:
    secrets.write_missing(tmp_path, ["localhost"])
    (tmp_path / "volumes" / "postgres").write_text("a mark")
    (tmp_path / "database_password").unlink()

    done = by_command(tmp_path, "--anew", "database_password")

    assert (done.returncode, done.stdout) == (0, "secrets: wrote database_password\n")


def test_without_data_every_secret_that_is_missing_is_written(tmp_path: Path) -> None:
    secrets.write_missing(tmp_path, ["localhost"])
    (tmp_path / "database_password").unlink()
    assert secrets.write_missing(tmp_path, ["localhost"]) == ["database_password"]


def by_command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "pmscoring.secrets", "--to", str(folder), *words]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)


def test_it_writes_the_password_that_was_chosen_for_grafana(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets.write_missing(tmp_path, ["localhost"])
    monkeypatch.setenv("GRAFANA_PASSWORD", "chosen, 選んだ")
    assert secrets.write_missing(tmp_path, ["localhost"]) == ["grafana_password"]
    assert (tmp_path / "grafana_password").read_text("utf-8") == "chosen, 選んだ"
    assert secrets.write_missing(tmp_path, ["localhost"]) == []
    monkeypatch.delenv("GRAFANA_PASSWORD")
    assert secrets.write_missing(tmp_path, ["localhost"]) == []


def test_the_certificate_is_for_the_hosts_given_and_fits_its_key(tmp_path: Path) -> None:
    secrets.write_missing(tmp_path, ["scoring.example", "192.0.2.7", "[::1]"])
    certificate = tmp_path / "tls" / "tls.crt"
    ssl.create_default_context().load_cert_chain(certificate, tmp_path / "tls" / "tls.key")
    argv = ["openssl", "x509", "-noout", "-ext", "subjectAltName", "-in", str(certificate)]
    told = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    for name in ("DNS:scoring.example", "IP Address:192.0.2.7", "IP Address:0:0:0:0:0:0:0:1"):
        assert name in told


def pair_in(folder: Path) -> list[bytes]:
    return [(folder / "tls" / name).read_bytes() for name in ("tls.crt", "tls.key")]


def test_a_new_pair_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    here, other = tmp_path / "here", tmp_path / "other"
    secrets.write_missing(here, ["localhost"])
    secrets.write_missing(other, ["scoring.example"])
    for name in ("tls.crt", "tls.key"):
        (other / "tls" / name).rename(here / "tls" / f"{name}.new")
    new = [(here / "tls" / f"{name}.new").read_bytes() for name in ("tls.crt", "tls.key")]
    secrets.take_new_pair(here)
    assert pair_in(here) == new
    assert {file.name for file in (here / "tls").iterdir()} == {"tls.crt", "tls.key"}
    assert (here / "tls" / "tls.key").stat().st_mode & 0o777 == 0o444


@pytest.mark.parametrize("kind", ["EC", "RSA", "none"])
def test_a_key_of_another_certificate_is_refused_and_nothing_changes(
    tmp_path: Path, kind: str
) -> None:
    secrets.write_missing(tmp_path, ["localhost"])
    before = pair_in(tmp_path)
    (tmp_path / "tls" / "tls.crt.new").write_bytes(before[0])
    key = tmp_path / "tls" / "tls.key.new"
    argv = ["openssl", "genpkey", "-out", str(key), "-algorithm", kind]
    if kind == "EC":
        argv += ["-pkeyopt", "ec_paramgen_curve:P-256"]
    if kind == "none":
        key.touch()
    else:
        subprocess.run(argv, check=True, capture_output=True)
    with pytest.raises(secrets.BadPair):
        secrets.take_new_pair(tmp_path)
    assert pair_in(tmp_path) == before
    assert {file.name for file in (tmp_path / "tls").iterdir()} == {"tls.crt", "tls.key"}


def test_it_runs_without_settings_and_says_what_it_did(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "pmscoring.secrets", "--to", str(tmp_path / "new")]
    given = {"PATH": os.environ["PATH"], "ENVIRONMENT": "production"}
    done = subprocess.run(argv, cwd=ROOT, env=given, capture_output=True, text=True, check=True)
    assert "wrote secret_key," in done.stdout
    for name in secrets.NAMES:
        assert (tmp_path / "new" / name).read_text() not in done.stdout


def test_a_password_from_a_file_is_filled_into_the_url(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "password").write_text("p@ss/w#rd\n")
    monkeypatch.setenv("PLACE_PASSWORD_FILE", str(tmp_path / "password"))
    password = env.text("PLACE_PASSWORD", "")
    for url, filled in (
        ("redis://user@place:6379/1", "redis://user:p%40ss%2Fw%23rd@place:6379/1"),
        ("redis://place", "redis://:p%40ss%2Fw%23rd@place"),
        ("redis://user:own@place/0?a=b", "redis://user:own@place/0?a=b"),
        ("rediss://u@[::1]:1/0?a=b", "rediss://u:p%40ss%2Fw%23rd@[::1]:1/0?a=b"),
    ):
        monkeypatch.setenv("PLACE", url)
        assert env.url("PLACE", "", SCHEMES, password) == filled


def test_the_settings_take_the_passwords_of_database_broker_and_cache() -> None:
    script = (
        "from pmscoring import settings as s;"
        "print(s.DATABASES['default']['PASSWORD']);"
        "print(s.CELERY_BROKER_URL, s.CACHES['default']['LOCATION'])"
    )
    given = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": "postgresql://u@db/x",
        "DATABASE_PASSWORD": "one/two",
        "BROKER_URL": "redis://u@b:1/0",
        "BROKER_PASSWORD": "three",
        "CACHE_URL": "redis://u@c:1/0",
        "CACHE_PASSWORD": "four",
    }
    argv = [sys.executable, "-c", script]
    done = subprocess.run(argv, cwd=ROOT, env=given, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["one/two", "redis://u:three@b:1/0", "redis://u:four@c:1/0"]


@pytest.mark.parametrize(
    ("options", "broker"),
    [([], "redis://u:three@b:1/0"), (["--broker", "redis://other:2/0"], "redis://other:2/0")],
)
def test_celerys_own_command_takes_the_brokers_password_from_its_file(
    tmp_path: Path, options: list[str], broker: str
) -> None:
    (tmp_path / "password").write_text("three")
    given = {
        "PATH": os.environ["PATH"],
        "BROKER_URL": "redis://u@b:1/0",
        "BROKER_PASSWORD_FILE": str(tmp_path / "password"),
    }
    argv = [sys.executable, "-m", "celery", "-A", "pmscoring", *options, "shell", "--python"]
    typed = "print(app.connection_for_write().as_uri(include_password=True))\n"
    done = subprocess.run(
        argv, cwd=ROOT, env=given, input=typed, capture_output=True, text=True, check=True
    )
    assert broker in done.stdout


def test_the_embedded_stack_asks_its_worker_by_the_brokers_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, bool] = {}
    monkeypatch.setattr(workers, "worker_answers", lambda url, node: asked.setdefault(url, True))
    monkeypatch.setenv("BROKER_URL", "redis://u@b:1/0")
    monkeypatch.setenv("BROKER_PASSWORD", "three")
    (tmp_path / "run").mkdir()
    made = plan.plan(tmp_path, tmp_path / "models", web_port=0)
    worker = next(part for part in made.parts if part.name == "worker")
    assert worker.answers()
    assert list(asked) == ["redis://u:three@b:1/0"]


def test_what_a_step_of_a_rotation_prints_can_be_shown_to_operators(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secrets.write_missing(tmp_path, ["localhost"])
    argv = ["secrets", "--to", str(tmp_path), "--rotate", "cache_password", "--step", "add"]
    monkeypatch.setattr(sys, "argv", argv)
    secrets.main()
    says = capsys.readouterr().out
    assert redacted(says) == says == "add of cache_password is done\n"
