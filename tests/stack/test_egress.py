"""A store beyond the host, which the overlay egress lets the operations worker alone reach."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from tests.opsconsole.s3 import S3, s3
from tests.stack import round_trip
from tests.stack.conftest import Told
from tests.stack.stack import Stack, free_prefix

__all__ = ["s3"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The operations worker with what it needs, and beat for comparison."""
    overlays = ("production", "egress", "test")
    folder = tmp_path_factory.mktemp("egress")
    made = Stack(folder, free_prefix(), project="pmscoring-egress", overlays=overlays)
    made.down("--volumes")
    try:
        made.write_secrets()
        made.up("ops", "beat", "broker", "cache")
        yield made
    finally:
        made.down("--volumes")


@pytest.fixture(scope="module")
def outside(site: Stack, s3: S3) -> Iterator[S3]:
    """The S3 server at the host's address in egress, for which it stands beyond the host."""
    port = urlsplit(s3.endpoint).port or 0
    host = f"{site.prefix}.5.1"
    with socket.create_server((host, 0)) as server:
        accepting = threading.Thread(target=_forward_all, args=(server, port), daemon=True)
        accepting.start()
        yield S3(f"http://{host}:{server.getsockname()[1]}")


def _forward_all(server: socket.socket, port: int) -> None:
    with suppress(OSError):
        while True:
            caller, _address = server.accept()
            called = socket.create_connection(("127.0.0.1", port))
            for source, target in ((caller, called), (called, caller)):
                threading.Thread(target=_forward, args=(source, target), daemon=True).start()


def _forward(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while block := source.recv(65536):
            target.sendall(block)
        target.shutdown(socket.SHUT_WR)


def test_a_backup_goes_to_a_store_beyond_the_host(
    site: Stack, s3: S3, outside: S3, told: Told
) -> None:
    s3.make_bucket("egress")
    outside.describe(site.secrets / "stores", "remote", "egress")
    (site.secrets / "stores" / "remote.json").chmod(0o444)

    made = round_trip.take(site.container("ops"), "--to", "remote", "--only", "database")

    assert {store["name"]: store["state"] for store in made["stores"]}["remote"] == "stored"
    found = s3.call("GET", "/egress", "list-type=2").text
    assert "manifest.json" in found
    assert outside.options()["secret_access_key"] not in json.dumps(made)
    told("under egress a backup went to an S3 server beyond the host")


def test_no_other_service_is_in_that_network(site: Stack) -> None:
    members = {each.service for each in site.containers() if "egress" in each.addresses}

    # Not tried by calls: the host's own addresses are reached from internal networks too, and what
    # lies beyond the host is tried from all networks in test_networks.py.
    assert members == {"ops"}
