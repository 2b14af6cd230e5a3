"""Archives of folders: what is in them, and what is never taken out of one."""

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from opsconsole.gateways import archives
from opsconsole.gateways.archives import ArchiveError
from tests.paths import ROOT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a few files."""
    folder = tmp_path / "uploads"
    (folder / "2026" / "答案").mkdir(parents=True)
    (folder / "a.csv").write_bytes(b"a" * 3_000_000)
    (folder / "2026" / "答案" / "名.csv").write_text("x")
    (folder / "empty").touch()
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_it_unpacks_what_it_packed(folder: Path, tmp_path: Path) -> None:
    packed = archives.pack(folder, tmp_path / "a.tar")
    assert (packed.files, packed.bytes, packed.left_out) == (3, 3_000_001, [])
    assert archives.unpack(tmp_path / "a.tar", tmp_path / "out") == 3
    assert contents(tmp_path / "out") == contents(folder)
    assert (tmp_path / "out" / "a.csv").stat().st_mode & 0o777 == 0o600
    assert dict(archives.names(tmp_path / "a.tar")) == {
        name: len(content) for name, content in contents(folder).items()
    }


def test_a_folder_that_is_not_there_makes_an_empty_archive(tmp_path: Path) -> None:
    assert archives.pack(tmp_path / "none", tmp_path / "a.tar").files == 0
    assert archives.unpack(tmp_path / "a.tar", tmp_path / "out") == 0


def test_links_and_pipes_are_left_out_and_named(folder: Path, tmp_path: Path) -> None:
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "2026" / "folder").symlink_to("/etc")
    os.mkfifo(folder / "pipe")
    packed = archives.pack(folder, tmp_path / "a.tar")
    assert packed.files == 3
    assert sorted(name for name, _ in packed.left_out) == ["2026/folder", "link", "pipe"]


def test_a_file_that_changes_while_it_is_read_is_read_again(folder: Path, tmp_path: Path) -> None:
    file, changes = folder / "a.csv", iter([b"b" * 1_500_000])

    def alive() -> None:
        """The first time that the file is open, it is written anew."""
        if any(os.path.samefile(f"/proc/self/fd/{fd}", file) for fd in open_files()):
            for content in changes:
                file.write_bytes(content)

    packed = archives.pack(folder, tmp_path / "a.tar", alive)
    archives.unpack(tmp_path / "a.tar", tmp_path / "out")
    assert packed.left_out == []
    assert contents(tmp_path / "out") == contents(folder)
    assert (tmp_path / "out" / "a.csv").read_bytes() == b"b" * 1_500_000


def open_files() -> list[str]:
    """The numbers of the files that this process has open, and that still are."""
    return [fd for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}")]


def test_a_file_that_changes_each_time_is_left_out_and_named(folder: Path, tmp_path: Path) -> None:
    grows = (folder / "empty").open("ab", buffering=0)

    def alive() -> None:
        grows.write(b"more")

    packed = archives.pack(folder, tmp_path / "a.tar", alive)
    grows.close()
    assert packed.left_out == [("empty", "changed during every attempt to read it")]
    assert sorted(name for name, _ in archives.names(tmp_path / "a.tar")) == [
        "2026/答案/名.csv", "a.csv",
    ]  # fmt: skip


def test_a_file_that_vanishes_is_left_out_and_named(folder: Path, tmp_path: Path) -> None:
    calls: list[None] = []

    def alive() -> None:
        calls.append(None)
        if len(calls) == 2:  # the folder has been listed, and no file was read
            (folder / "a.csv").unlink()

    packed = archives.pack(folder, tmp_path / "a.tar", alive)
    assert packed.left_out == [("a.csv", "vanished while the backup was made")]
    assert packed.files == 2


PACKED_AND_UNPACKED = """
import sys, tracemalloc
from pathlib import Path
from opsconsole.gateways import archives
folder, place = map(Path, sys.argv[1:])
tracemalloc.start()
packed = archives.pack(folder, place / "a.tar")
packing = tracemalloc.get_traced_memory()[1]
archives.unpack(place / "a.tar", place / "out")
print(packed.files, packing, tracemalloc.get_traced_memory()[1])
"""


def test_memory_is_bounded_however_many_files_there_are(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    for number in range(200):
        (folder / f"{number:03}").mkdir(parents=True)
        for name in range(30):
            (folder / f"{number:03}" / f"{name:02}.csv").write_bytes(b"x")
    # In a process of its own: threads that other tests have left in this one are traced too.
    argv = [sys.executable, "-c", PACKED_AND_UNPACKED, str(folder), str(tmp_path)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True)
    files, packing, peak = map(int, done.stdout.split())
    assert files == 6000
    # 6,000 remembered members take 2 MB while packing, and 3 MB more while unpacking.
    assert packing < 1_000_000
    assert peak < 3_000_000


def archive_with(path: Path, *members: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(b"x" * member.size))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    made.size = 1 if kind == tarfile.REGTYPE else 0
    return made


@pytest.mark.parametrize(
    "bad",
    [
        member("../out"),
        member("/etc/cron.d/x"),
        member("a/../../x"),
        member("a\\..\\x"),
        member("link", tarfile.SYMTYPE, "/etc"),
        member("link", tarfile.LNKTYPE, "good"),
        member("null", tarfile.CHRTYPE),
        member("disk", tarfile.BLKTYPE),
        member("pipe", tarfile.FIFOTYPE),
        member("../folder", tarfile.DIRTYPE),
        member("sparse", tarfile.GNUTYPE_SPARSE),
        member("good"),
        member("good/below"),
    ],
    ids=lambda bad: f"{bad.name} {bad.type.decode()}",
)
def test_it_unpacks_nothing_of_an_archive_with_what_no_archive_may_hold(
    bad: tarfile.TarInfo, tmp_path: Path
) -> None:
    archive = archive_with(tmp_path / "a.tar", member("good"), bad)
    with pytest.raises(ArchiveError):
        archives.unpack(archive, tmp_path / "out")
    assert sorted(os.listdir(tmp_path)) == ["a.tar"]


@pytest.mark.parametrize("kept", [0, 100, 700, 1500, 3_000_500, -1024])
def test_an_archive_that_was_cut_off_is_refused(kept: int, folder: Path, tmp_path: Path) -> None:
    archive = tmp_path / "a.tar"
    archives.pack(folder, archive)
    with tarfile.open(archive) as tar:
        end = max(member.offset_data + member.size for member in tar)
    whole = archive.read_bytes()
    archive.write_bytes(whole[:kept] if kept >= 0 else whole[:end])
    with pytest.raises(ArchiveError):
        archives.unpack(archive, tmp_path / "out")
    with pytest.raises(ArchiveError):
        list(archives.names(archive))


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(os.urandom(10_000))
    with pytest.raises(ArchiveError, match=r"a\.tar is damaged"):
        archives.unpack(tmp_path / "a.tar", tmp_path / "out")
