"""Copies in stores: complete in each of them or failed with a reason."""

import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import obstore
import pytest

from opsconsole.backups import copies, places
from opsconsole.backups.copies import Damaged, Missing
from opsconsole.backups.progress import Progress
from opsconsole.gateways import stores
from opsconsole.gateways.stores import Lost, StoreError
from opsconsole.models import Backup, Installation
from pmscoring.base.lifecycle import WrongState
from tests.local_servers import free_port
from tests.opsconsole.factories import CONTENT, STATUS, a_backup, with_files
from tests.opsconsole.s3 import CANARIES, S3

pytestmark = pytest.mark.django_db


def silent(_fraction: float, _note: str) -> None:
    """Nobody looks."""


@pytest.fixture
def backup(s3: S3, bucket: str, stores_dir: Path, backup_dir: Path) -> Backup:
    """A backup that its worker has claimed, to be stored here and in the store `away`."""
    s3.describe(stores_dir, "away", bucket)
    backup = a_backup(STATUS.DUMPED, stores=["local", "away"])
    with_files(backup)
    return backup


def outcome(backup: Backup) -> dict[str, str]:
    return dict(backup.copies.values_list("store", "status"))


def reason(backup: Backup, store: str = "away") -> str:
    return backup.copies.get(store=store).reason


def test_every_file_is_stored_below_the_installation_and_the_backup(backup: Backup) -> None:
    seen: list[float] = []
    copies.store_all(backup, lambda fraction, _note: seen.append(fraction))

    assert outcome(backup) == {"local": "stored", "away": "stored"}
    prefix = f"{Installation.objects.here().uid}/{backup.name}"
    expected = {f"{prefix}/{name}" for name in (*CONTENT, "manifest.json")}
    assert set(stores.named("away").keys("")) == expected
    assert seen
    assert max(seen) <= 1


def test_a_fetched_copy_is_the_backup(backup: Backup, tmp_path: Path) -> None:
    copies.store_all(backup, silent)
    copies.fetch(backup, "away", tmp_path / "fetched")
    local = places.folder(backup)
    for name in (*CONTENT, "manifest.json"):
        assert (tmp_path / "fetched" / name).read_bytes() == (local / name).read_bytes()


def test_a_store_that_is_away_fails_the_backup_and_spares_the_others(
    s3: S3, backup: Backup, stores_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "ATTEMPTS", 2)
    monkeypatch.setattr(stores, "RETRIES", {"max_retries": 0})
    s3.describe(stores_dir, "gone", "b", endpoint=f"http://127.0.0.1:{free_port()}")
    backup.stores = ["local", "gone", "away"]

    with pytest.raises(Missing, match="store gone: it cannot be reached") as caught:
        copies.store_all(backup, silent)

    assert outcome(backup) == {"local": "stored", "gone": "failed", "away": "stored"}
    assert reason(backup, "gone") == "store gone: it cannot be reached"
    assert not [key for key in CANARIES if key in str(caught.value)]


def test_a_store_that_nobody_has_described_fails_the_backup(backup: Backup) -> None:
    backup.stores = ["local", "nowhere"]
    with pytest.raises(Missing, match="store nowhere is not described"):
        copies.store_all(backup, silent)
    assert outcome(backup) == {"local": "stored", "nowhere": "failed"}


def test_the_next_try_copies_only_what_is_missing(
    s3: S3, backup: Backup, bucket: str, stores_dir: Path
) -> None:
    s3.describe(stores_dir, "late", "no-such-bucket")
    backup.stores = ["local", "away", "late"]
    with pytest.raises(Missing, match="its bucket does not exist"):
        copies.store_all(backup, silent)
    stores.named("away").remove("")
    s3.describe(stores_dir, "late", bucket)

    copies.store_all(backup, silent)

    assert outcome(backup) == {"local": "stored", "away": "stored", "late": "stored"}
    assert reason(backup, "late") == ""
    # `away` is below the same prefix of the same bucket: only what `late` has stored is there.
    assert len(list(stores.named("late").keys(""))) == len(CONTENT) + 1


def test_a_damaged_file_is_not_copied_as_good(backup: Backup) -> None:
    file = places.folder(backup) / "database" / "1.dat.gz"
    file.write_bytes(b"rOws")
    with pytest.raises(Missing, match=r"1\.dat\.gz does not match the manifest"):
        copies.store_all(backup, silent)
    assert outcome(backup) == {"local": "failed", "away": "failed"}
    assert "manifest.json" not in "".join(stores.named("away").keys(""))


def test_a_link_in_a_files_place_is_not_copied_as_good(backup: Backup, tmp_path: Path) -> None:
    part = places.folder(backup) / "uploads.tar"
    part.rename(tmp_path / "elsewhere")
    part.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(Missing, match="symbolic links"):
        copies.store_all(backup, silent)

    assert outcome(backup) == {"local": "failed", "away": "failed"}
    assert not [key for key in stores.named("away").keys("") if key.endswith("uploads.tar")]


def test_a_file_that_is_gone_is_not_copied_as_good(backup: Backup) -> None:
    (places.folder(backup) / "uploads.tar").unlink()
    with pytest.raises(Missing, match=r"No such file .*uploads\.tar"):
        copies.store_all(backup, silent)
    assert outcome(backup) == {"local": "failed", "away": "failed"}


def test_a_worker_that_lost_the_backup_stops_copying(
    backup: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opsconsole.backups.progress.BEAT_SECONDS", 0.0)
    Backup.objects.filter(pk=backup.pk).update(claimed_at=None, status=STATUS.WAITING)
    with pytest.raises(WrongState, match="another worker"):
        copies.store_all(backup, Progress(backup, silent).tell)
    assert "stored" not in outcome(backup).values()
    assert "manifest.json" not in "".join(stores.named("away").keys(""))


def test_a_lost_object_is_found_when_the_copy_is_fetched(backup: Backup, tmp_path: Path) -> None:
    copies.store_all(backup, silent)
    away = stores.named("away")
    obstore.delete(away.objects, f"{places.prefix(backup)}/uploads.tar")

    with pytest.raises(Lost, match=r"uploads\.tar is not there"):
        copies.fetch(backup, "away", tmp_path / "fetched")

    assert outcome(backup) == {"local": "stored", "away": "failed"}
    assert "uploads.tar is not there" in reason(backup)
    assert not (tmp_path / "fetched").exists()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("uploads.tar", b"f1les", "uploads.tar does not match the manifest"),
        ("database/toc.dat", b"to", "database/toc.dat does not match the manifest"),
        ("manifest.json", b'{"parts": []}', "the manifest is not the backup's"),
        ("manifest.json", b"{", "the manifest is damaged"),
    ],
)
def test_a_changed_object_is_found_when_the_copy_is_fetched(
    backup: Backup, tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    copies.store_all(backup, silent)
    (tmp_path / "changed").write_bytes(content)
    stores.named("away").put(f"{places.prefix(backup)}/{name}", tmp_path / "changed")

    with pytest.raises(Damaged, match=reason):
        copies.fetch(backup, "away", tmp_path / "fetched")
    assert outcome(backup)["away"] == "failed"
    assert not (tmp_path / "fetched").exists()


def test_a_store_that_is_away_when_asked_leaves_the_copy_as_it_was(
    s3: S3, backup: Backup, bucket: str, stores_dir: Path, tmp_path: Path
) -> None:
    copies.store_all(backup, silent)
    s3.describe(stores_dir, "away", bucket, access_key_id="AKIDOTHER")
    with pytest.raises(StoreError, match="refuses access"):
        copies.fetch(backup, "away", tmp_path / "fetched")
    assert outcome(backup)["away"] == "stored"


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "a/../../b", "", "a//b"])
def test_a_manifest_leads_to_no_file_outside(path: str) -> None:
    file: dict[str, Any] = {"path": path, "bytes": 1, "sha256": "0" * 64}
    with pytest.raises(Damaged, match="the manifest is not valid"):
        copies.files_of({"parts": [{"files": [file]}]})


Change = Callable[[bytes], bytes]


def as_it_is(data: bytes) -> bytes:
    return data


def flipped(data: bytes) -> bytes:
    """One bit of one of the files is another."""
    return data.replace(CONTENT["uploads.tar"], b"fileS")


@contextmanager
def way_to(
    s3: S3, *, refused: int = 0, there: Change = as_it_is, back: Change = as_it_is
) -> Iterator[str]:
    """The address of a way to the server, which hangs up at first or changes what passes."""
    port = int(s3.endpoint.rsplit(":", 1)[-1])

    def forward() -> None:
        for number in itertools.count():
            try:
                client, _address = front.accept()
            except OSError:
                return
            if number < refused:
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", port))
            for ends in ((client, server, there), (server, client, back)):
                threading.Thread(target=_pump, args=ends, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as front:
        threading.Thread(target=forward, daemon=True).start()
        yield f"http://127.0.0.1:{front.getsockname()[1]}"


def _pump(source: socket.socket, target: socket.socket, change: Change) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(change(data))
        target.shutdown(socket.SHUT_WR)
    except OSError:
        target.close()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library itself tries once."""
    monkeypatch.setattr(stores, "RETRIES", {"max_retries": 0})


@pytest.mark.usefixtures("hurried")
def test_a_store_that_comes_back_in_time_is_tried_again(
    s3: S3, backup: Backup, bucket: str, stores_dir: Path
) -> None:
    with way_to(s3, refused=3) as address:
        s3.describe(stores_dir, "away", bucket, endpoint=address)
        copies.store_all(backup, silent)
    assert outcome(backup)["away"] == "stored"


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(
    ("there", "back", "reason"),
    [
        (flipped, as_it_is, "store away received other data than was sent"),
        (as_it_is, flipped, r"store away: uploads\.tar came back changed"),
    ],
)
def test_a_bit_flipped_on_the_way_is_never_stored_as_good(
    s3: S3,
    backup: Backup,
    bucket: str,
    stores_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    there: Change,
    back: Change,
    reason: str,
) -> None:
    monkeypatch.setattr(copies, "ATTEMPTS", 2)
    with way_to(s3, there=there, back=back) as address:
        s3.describe(stores_dir, "away", bucket, endpoint=address)
        with pytest.raises(Missing, match=reason):
            copies.store_all(backup, silent)
    assert outcome(backup) == {"local": "stored", "away": "failed"}
    assert "manifest.json" not in "".join(stores.named("away").keys(""))
