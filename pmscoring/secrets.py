"""`python -m pmscoring.secrets --to FOLDER` writes the secrets of a container installation.

Every secret is a file of its own, and one that is there is kept. The folder is for its owner alone
(0700); the files in it can be read (0444), since a container's user, for whom single files are
mounted, is not the owner. GRAFANA_PASSWORD, where it is set, is written as that secret. Needs no
settings; openssl makes the self-signed certificate.

`--rotate NAME --step add|swap|drop` changes a secret while its readers run: `add` writes a new one
into the second line, `swap` puts it first, `drop` removes the old one (pmscoring/base/rotating.py).
A file mounted into a container is one inode, so it is written in place, under a lock.
"""

import argparse
import fcntl
import os
import secrets
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pmscoring.base import env, rotating
from pmscoring.base.files import write_whole

NAMES = (
    "secret_key",
    "inference_token",
    "postgres_password",
    "database_password",
    "broker_password",
    "cache_password",
    "haproxy_password",
    "grafana_password",
)
# Folders for files that people write: an object store's address and keys, a channel's address, and
# the logins of registries as `docker login` writes them.
# In `volumes`, `prepare` keeps a copy of the mark of each volume (docker/app/prepare.sh).
FOLDERS = ("stores", "channels", "registry", "volumes")
DEPENDING = {
    "postgres_password": "postgres",
    "database_password": "postgres",
    "grafana_password": "grafana",
}
"""Secret → the volume whose data were made with it: another value opens nothing there."""
DAYS = 825
LENGTH = 48
"""Bytes of a secret: 64 characters. Django warns of a SECRET_KEY of fewer than 50."""
# A container's user, for whom single files are mounted, is not the owner.
READABLE = 0o444


ROTATED = ("inference_token", "database_password", "broker_password", "cache_password")
STEPS = ("add", "swap", "drop")


class BadStep(Exception):
    """The secret is not at the step before this one."""


class Lost(Exception):
    """Secrets are missing that data depend on."""


class BadPair(Exception):
    """A certificate and a key that do not belong together, or are none."""


def write_missing(folder: Path, hosts: list[str], anew: Sequence[str] = ()) -> list[str]:
    """What was missing and is there now, by name; `anew` even where data depend on it; Lost."""
    chosen = {"grafana_password": env.text("GRAFANA_PASSWORD", "")}
    refuse_lost(folder, [*anew, *(name for name, value in chosen.items() if value)])
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    for name in FOLDERS:
        (folder / name).mkdir(mode=0o755, exist_ok=True)
        (folder / name).chmod(0o755)
    written = [name for name in NAMES if _provide(folder / name, chosen.get(name, ""))]
    tls = folder / "tls"  # a folder, so that new files in it are seen without a restart
    if not (tls / "tls.crt").exists() or not (tls / "tls.key").exists():
        tls.mkdir(mode=0o755, exist_ok=True)
        tls.chmod(0o755)
        _self_signed(tls, hosts)
        written.append("tls")
    return written


def refuse_lost(folder: Path, but: Sequence[str] = ()) -> None:
    """Raise Lost where a secret is missing that data were made with."""
    lost = [
        name
        for name, volume in DEPENDING.items()
        if name not in but and (folder / "volumes" / volume).exists() and not _has(folder / name)
    ]
    if lost:
        volumes = ", ".join(sorted({DEPENDING[name] for name in lost}))
        raise Lost(
            f"{', '.join(lost)} is missing, and the data in the volume {volumes} were made with it;"
            " nothing was written. Put the file back: a container that still runs has it in"
            " /run/secrets. What to do where it is gone for good is in docs/containers.md,"
            ' "A secret that is lost"'
        )


def _has(file: Path) -> bool:
    return file.exists() and bool(file.read_text("utf-8").strip())


def _provide(file: Path, chosen: str) -> bool:
    """Whether it had to be written: what is there is kept, unless another was chosen."""
    if file.exists() and chosen in ("", file.read_text("utf-8")):
        return False
    write_whole(file, chosen or secrets.token_urlsafe(LENGTH), mode=READABLE)
    return True


def _self_signed(tls: Path, hosts: list[str]) -> None:
    argv = ["openssl", "req", "-x509", "-nodes", "-days", str(DAYS)]
    argv += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    argv += ["-subj", f"/CN={hosts[0]}", "-addext", f"subjectAltName={','.join(map(_name, hosts))}"]
    with tempfile.TemporaryDirectory(dir=tls) as folder:
        key, certificate = Path(folder) / "tls.key", Path(folder) / "tls.crt"
        argv += ["-keyout", str(key), "-out", str(certificate)]
        subprocess.run(argv, check=True, capture_output=True)  # noqa: S603
        for file in (key, certificate):
            write_whole(tls / file.name, file.read_bytes(), mode=READABLE)


def _name(host: str) -> str:
    is_address = host.replace(".", "").isdigit() or ":" in host
    return f"IP:{host.strip('[]')}" if is_address else f"DNS:{host}"


def rotate(file: Path, step: str) -> None:
    """Do one step of a rotation, which is done already where it was tried before; BadStep.

    Readers see the file as it was or as it is: they wait for the lock under which it is written.
    """
    lines = file.read_text("utf-8").split()
    is_longer = len(lines) == 2
    if (step == "drop" and not is_longer) or (step == "add" and is_longer):
        return
    if step == "swap" and not is_longer:
        raise BadStep(f"{file.name} has one value: --step add comes first")
    content = {
        "add": [lines[0], secrets.token_urlsafe(LENGTH)],
        "swap": lines[::-1],
        "drop": lines[:1],
    }[step]
    data = "\n".join(content).encode()
    file.chmod(0o644)
    descriptor = os.open(file, os.O_WRONLY)
    try:
        with rotating.locked(descriptor, fcntl.LOCK_EX):
            os.pwrite(descriptor, data, 0)
            os.ftruncate(descriptor, len(data))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
        file.chmod(READABLE)


def take_new_pair(folder: Path) -> None:
    """Put `tls.crt.new` and `tls.key.new` in place; BadPair, and no change, if they do not fit.

    nginx itself takes a certificate with a key of another kind, and then serves nobody.
    """
    new = folder / "tls" / "tls.crt.new", folder / "tls" / "tls.key.new"
    try:
        # Without a password: it would be asked for on a terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*new, password="")
    except (OSError, ssl.SSLError) as error:
        for file in new:
            file.unlink(missing_ok=True)
        told = "TLS_CERT and TLS_KEY are not a certificate and its own key, without a password"
        raise BadPair(f"{told} ({error})") from error
    for file in new:
        write_whole(file.with_suffix(""), file.read_bytes(), mode=READABLE)
    # Not sooner: where the process ends between the two, the same command puts both in place again.
    for file in new:
        file.unlink()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Write the secrets that are missing.")
    parser.add_argument("--to", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--hosts", default="localhost,127.0.0.1", help="of the self-signed pair")
    parser.add_argument("--new-pair", action="store_true", help="put tls/tls.*.new in place")
    parser.add_argument(
        "--anew",
        choices=DEPENDING,
        nargs="+",
        default=[],
        metavar="NAME",
        help="write these anew, though data were made with them",
    )
    parser.add_argument("--rotate", choices=ROTATED, metavar="NAME", help="change this secret")
    parser.add_argument("--step", choices=STEPS, help="of a rotation")
    given = parser.parse_args()
    hosts = [host.strip() for host in given.hosts.split(",") if host.strip()]
    try:
        if given.new_pair:
            take_new_pair(given.to)
            sys.stdout.write("secrets: the new certificate is in place\n")
            return
        if given.rotate and given.step:
            rotate(given.to / given.rotate, given.step)
            # No colon: the console would take what follows one for a secret, and leave it out.
            sys.stdout.write(f"{given.step} of {given.rotate} is done\n")
            return
        written = write_missing(given.to, hosts or ["localhost"], given.anew)
    except (OSError, BadPair, BadStep, Lost, subprocess.CalledProcessError) as error:
        told = getattr(error, "stderr", None)
        sys.exit(f"secrets: {told.decode().strip() if told else error}")
    sys.stdout.write(f"secrets: wrote {', '.join(written) or 'nothing, all are there'}\n")


if __name__ == "__main__":
    main()
