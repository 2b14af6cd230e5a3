"""The data of the real broker, by SYNC; and servers that do not hand them out."""

import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import redis
from django.conf import settings

from opsconsole.gateways import redis_data
from opsconsole.gateways.redis_data import RedisError

Broker = redis.Redis


@pytest.fixture
def broker() -> Iterator[Broker]:
    """The real server."""
    client = redis.Redis.from_url(settings.BROKER_URL)
    yield client
    client.close()


def test_the_file_is_whole_and_has_what_was_in_the_server(broker: Broker, tmp_path: Path) -> None:
    key = f"canary-{uuid4().hex}"
    broker.set(key, "x" * 100_000)
    redis_data.save(settings.BROKER_URL, tmp_path / "redis.rdb")
    broker.delete(key)
    redis_data.check(tmp_path / "redis.rdb")
    assert key.encode() in (tmp_path / "redis.rdb").read_bytes()


def command(broker: Broker, *words: str) -> None:
    """What the library has no method for, or none with all of its rules."""
    broker.execute_command(*words)  # type: ignore[no-untyped-call]


@pytest.fixture
def account(broker: Broker) -> Iterator[str]:
    """The address by which an account with the rights of the containers' broker signs in."""
    script = (Path(settings.BASE_DIR) / "docker" / "redis" / "entrypoint.sh").read_text()
    also = script.partition("broker)")[2].partition('also="')[2].partition('"')[0].split()
    rules = ["-@all", "+@all", "-@admin", "-@dangerous", *also]
    name = f"user-{uuid4().hex[:8]}"
    command(broker, "ACL", "SETUSER", name, "on", ">p@ss:/word", "~*", "&*", *rules)
    place = urlsplit(settings.BROKER_URL)
    yield f"redis://{name}:p%40ss%3A%2Fword@{place.hostname}:{place.port}/0"
    command(broker, "ACL", "DELUSER", name)


def test_the_rights_of_the_containers_account_suffice(account: str, tmp_path: Path) -> None:
    redis_data.save(account, tmp_path / "redis.rdb")
    redis_data.check(tmp_path / "redis.rdb")


def test_a_wrong_password_is_refused_and_not_repeated(account: str, tmp_path: Path) -> None:
    with pytest.raises(RedisError, match="rejects the password") as failure:
        redis_data.save(account.replace("p%40ss", "wrong-one"), tmp_path / "redis.rdb")
    assert "wrong-one" not in str(failure.value)


def test_an_account_without_the_right_is_refused(
    account: str, broker: Broker, tmp_path: Path
) -> None:
    command(broker, "ACL", "SETUSER", urlsplit(account).username or "", "-sync")
    with pytest.raises(RedisError, match="NOPERM"):
        redis_data.save(account, tmp_path / "redis.rdb")
    assert not (tmp_path / "redis.rdb").exists()


@contextmanager
def server(answer: bytes) -> Iterator[str]:
    """A server that answers the first command so, and goes away."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.request.recv(100)
            self.wfile.write(answer)

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as listening:
        thread = Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        yield f"redis://127.0.0.1:{listening.server_address[1]}/0"
        listening.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"-ERR no\r\n", "does not send its data: -ERR no"),
        (b"\n\n", "it closed the connection"),
        (b"\n$1000\r\nREDIS0011", "the server closed the connection"),
        (b"$5\r\nREDIS", "not a complete Redis dump"),
        (b"$30\r\n" + b"REDIS0011" + b"x" * 21, "not a complete Redis dump"),
    ],
)
def test_what_is_not_whole_is_no_file(answer: bytes, says: str, tmp_path: Path) -> None:
    with server(answer) as url, pytest.raises(RedisError, match=says):
        redis_data.save(url, tmp_path / "redis.rdb")
    assert not (tmp_path / "redis.rdb").exists()


def test_what_the_heartbeat_raises_passes_through(tmp_path: Path) -> None:
    def alive() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        redis_data.save(settings.BROKER_URL, tmp_path / "redis.rdb", alive)
    assert not (tmp_path / "redis.rdb").exists()
