"""Stores against a real S3 server and real folders."""

import hashlib
import json
import os
import socket
import subprocess
import traceback
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from opsconsole.gateways import stores
from opsconsole.gateways.stores import DeletionRefused, Lost, StoreError, StoreUnavailable
from tests.local_servers import free_port
from tests.opsconsole.s3 import CANARIES, S3, WRITER_KEY, WRITER_SECRET


@pytest.fixture(params=["s3", "folder"])
def store(request: pytest.FixtureRequest, stores_dir: Path, tmp_path: Path) -> stores.Store:
    """One store of each kind."""
    if request.param == "s3":
        bucket = request.getfixturevalue("bucket")
        request.getfixturevalue("s3").describe(stores_dir, "away", bucket)
    else:
        describe_folder(stores_dir, "away", tmp_path / "copies")
    return stores.named("away")


def describe_folder(stores_dir: Path, name: str, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    (stores_dir / f"{name}.json").write_text(json.dumps({"url": f"file://{folder}"}))


def a_file(tmp_path: Path, size: int) -> tuple[Path, str]:
    """A file of random bytes, and its SHA-256."""
    path, content = tmp_path / uuid4().hex, os.urandom(size)
    path.write_bytes(content)
    return path, hashlib.sha256(content).hexdigest()


def shown(error: BaseException) -> str:
    """All that a log would show of the error, with its causes."""
    return "".join(traceback.format_exception(error)) + repr(error)


@pytest.mark.parametrize("size", [0, 5, stores.CHUNK, 2 * stores.CHUNK + 1])
def test_it_stores_a_file_and_reads_it_back(store: stores.Store, tmp_path: Path, size: int) -> None:
    path, sha256 = a_file(tmp_path, size)
    expected = stores.Digest(size, sha256)

    assert store.put("uid/name/part/1", path) == expected
    assert store.digest("uid/name/part/1") == expected
    assert store.get("uid/name/part/1", tmp_path / "again") == expected
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_it_lists_and_removes_what_is_below_a_prefix(store: stores.Store, tmp_path: Path) -> None:
    path, _ = a_file(tmp_path, 9)
    for key in ("uid/a/manifest.json", "uid/a/database/1", "uid/ab/1", "other/a/1"):
        store.put(key, path)

    assert sorted(store.keys("uid/a")) == ["uid/a/database/1", "uid/a/manifest.json"]
    assert store.folders() == ["other", "uid"]
    assert store.folders("uid") == ["a", "ab"]

    store.remove("uid/a", first=["uid/a/manifest.json"])
    store.remove("uid/a")
    assert list(store.keys("uid")) == ["uid/ab/1"]
    assert store.folders() == ["other", "uid"]


def test_a_transfer_ends_with_what_the_heartbeat_raises(
    store: stores.Store, tmp_path: Path
) -> None:
    path, _ = a_file(tmp_path, 2 * stores.CHUNK)

    def lost(_moved: int) -> None:
        raise RuntimeError("another worker has it")

    with pytest.raises(RuntimeError, match="another worker"):
        store.put("uid/name/1", path, lost)
    assert list(store.keys("uid")) == []
    store.put("uid/name/1", path)
    with pytest.raises(RuntimeError, match="another worker"):
        store.digest("uid/name/1", lost)


def test_an_object_that_is_not_there_is_lost(store: stores.Store, tmp_path: Path) -> None:
    with pytest.raises(Lost, match="uid/name/1 is not there"):
        store.digest("uid/name/1")
    with pytest.raises(Lost):
        store.read("uid/name/manifest.json")


def test_only_the_owner_reads_a_folder_of_copies(stores_dir: Path, tmp_path: Path) -> None:
    describe_folder(stores_dir, "away", tmp_path / "copies")
    path, _ = a_file(tmp_path, 9)
    stores.named("away").put("uid/name/1", path)
    assert (tmp_path / "copies" / "uid").stat().st_mode & 0o077 == 0


def test_a_folder_that_is_not_mounted_is_said_to_be_missing(
    stores_dir: Path, tmp_path: Path
) -> None:
    describe_folder(stores_dir, "away", tmp_path / "copies")
    (tmp_path / "copies").rmdir()
    with pytest.raises(StoreError, match="away: No such file"):
        stores.named("away")


def test_a_full_disk_is_named(stores_dir: Path, tmp_path: Path, small_disk: Path) -> None:
    describe_folder(stores_dir, "away", small_disk / "copies")
    path, _ = a_file(tmp_path, 3 * stores.CHUNK)
    store = stores.named("away")
    with pytest.raises(StoreError, match="No space left"):
        store.put("uid/name/1", path)
    assert list(store.keys("uid")) == []


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"access_key_id": "AKIDWRONGCANARY"}, "refuses access .InvalidAccessKeyId"),
        ({"secret_access_key": "wrong-secret-canary"}, "refuses access .SignatureDoesNotMatch"),
    ],
)
def test_a_refused_key_is_told_without_it(
    s3: S3, stores_dir: Path, bucket: str, tmp_path: Path, options: dict[str, str], reason: str
) -> None:
    s3.describe(stores_dir, "away", bucket, **options)
    path, _ = a_file(tmp_path, 9)
    store = stores.named("away")
    for deed in (
        lambda: store.put("uid/name/1", path),
        lambda: store.digest("uid/name/1"),
        lambda: list(store.keys("uid")),
        lambda: store.remove("uid"),
    ):
        with pytest.raises(StoreError) as caught:
            deed()
        assert not [key for key in (*CANARIES, *options.values()) if key in shown(caught.value)]
        assert "store away" in str(caught.value)
    with pytest.raises(StoreError, match=reason):
        store.put("uid/name/1", path)


def test_a_bucket_that_does_not_exist_is_named_as_such(
    s3: S3, stores_dir: Path, tmp_path: Path
) -> None:
    s3.describe(stores_dir, "away", "no-such-bucket")
    path, _ = a_file(tmp_path, 9)
    with pytest.raises(Lost, match="its bucket does not exist"):
        stores.named("away").put("uid/name/1", path)
    with pytest.raises(Lost, match="its bucket does not exist"):
        stores.named("away").folders()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests that give up at once."""
    monkeypatch.setattr(stores, "TIMEOUT", timedelta(seconds=0.3))
    monkeypatch.setattr(stores, "RETRIES", {"max_retries": 0})


@pytest.mark.usefixtures("hurried")
def test_a_store_that_is_away_can_be_tried_again(s3: S3, stores_dir: Path, tmp_path: Path) -> None:
    s3.describe(stores_dir, "away", "b", endpoint=f"http://127.0.0.1:{free_port()}")
    path, _ = a_file(tmp_path, 9)
    with pytest.raises(StoreUnavailable, match="away: it cannot be reached") as caught:
        stores.named("away").put("uid/name/1", path)
    assert not [key for key in CANARIES if key in shown(caught.value)]


@pytest.mark.usefixtures("hurried")
def test_a_store_that_does_not_answer_is_given_up(s3: S3, stores_dir: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        s3.describe(stores_dir, "away", "b", endpoint=f"http://127.0.0.1:{port}")
        path, _ = a_file(tmp_path, 9)
        with pytest.raises(StoreUnavailable, match="it did not answer in time"):
            stores.named("away").put("uid/name/1", path)


def test_credentials_that_may_not_delete_are_told_apart(
    s3: S3, stores_dir: Path, bucket: str, tmp_path: Path
) -> None:
    keys = {"access_key_id": WRITER_KEY, "secret_access_key": WRITER_SECRET}
    s3.describe(stores_dir, "away", bucket, **keys)
    path, sha256 = a_file(tmp_path, 2 * stores.CHUNK)
    store = stores.named("away")
    store.put("uid/name/1", path)
    with pytest.raises(DeletionRefused, match=r"away refuses to delete \(AccessDenied\)"):
        store.remove("uid/name")
    assert store.digest("uid/name/1").sha256 == sha256


def test_a_locked_object_outlives_its_removal(s3: S3, stores_dir: Path, tmp_path: Path) -> None:
    bucket = f"b-{uuid4().hex[:12]}"
    s3.make_bucket(bucket, locked=True)
    s3.describe(stores_dir, "away", bucket)
    path, _ = a_file(tmp_path, 9)
    store = stores.named("away")
    store.put("uid/name/1", path)
    with pytest.raises(DeletionRefused, match="away keeps older versions of objects"):
        store.remove("uid/name")
    assert list(store.keys("uid")) == []
    versions = s3.call("GET", f"/{bucket}", "versions=").text
    assert versions.count("<Version>") == 1
    assert versions.count("<DeleteMarker>") == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{not json secret-canary", "its file cannot be read"),
        ('["secret-canary"]', "its file has no url"),
        ('{"url": "wat://secret-canary"}', "its url or options are not valid"),
        ('{"url": "s3://b", "options": {"secret-canary": "1"}}', "are not valid"),
        ('{"url": "s3://b", "options": {"s3_express": "secret-canary"}}', "are not valid"),
    ],
)
def test_a_description_that_is_wrong_is_not_quoted(
    stores_dir: Path, content: str, reason: str
) -> None:
    (stores_dir / "away.json").write_text(content)
    with pytest.raises(StoreError, match=reason) as caught:
        stores.named("away")
    assert "secret-canary" not in shown(caught.value)


@pytest.mark.parametrize("name", ["", "../etc/passwd", "a/b", "UPPER", "a" * 33, "away\n"])
def test_a_name_leads_nowhere_else(stores_dir: Path, name: str) -> None:
    with pytest.raises(StoreError, match="not a valid name"):
        stores.named(name)


def test_it_names_what_the_settings_describe(stores_dir: Path, tmp_path: Path) -> None:
    describe_folder(stores_dir, "nas", tmp_path / "copies")
    (stores_dir / "notes.txt").write_text("no store")
    assert stores.names() == ["nas"]
    with pytest.raises(StoreError, match="office is not described"):
        stores.named("office")


def resident(kind: str) -> int:
    """Bytes that this process holds in memory now (VmRSS), or held at most (VmHWM)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(kind):
            return int(line.split()[1]) * 1024
    raise LookupError(kind)


def test_memory_does_not_grow_with_the_file(store: stores.Store, tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        for _ in range(20):
            file.write(os.urandom(stores.CHUNK))
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = resident("VmRSS")

    store.put("uid/name/1", path)
    store.digest("uid/name/1")

    assert resident("VmHWM") - before < 10 * stores.CHUNK


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this account may not mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
