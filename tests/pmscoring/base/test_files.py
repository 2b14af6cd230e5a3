"""Files are written whole or not at all, whatever happens in the middle."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pmscoring.base.files import write_whole
from tests.paths import ROOT


def in_another_process(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The script, run with this process's Python and the arguments, to its end."""
    argv = [sys.executable, "-c", script, *arguments]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A file with old content."""
    path = tmp_path / "kept"
    path.write_text("old", "utf-8")
    return path


@pytest.mark.parametrize("content", ["新しい", "新しい".encode()])
def test_it_replaces_the_content(kept: Path, content: str | bytes) -> None:
    write_whole(kept, content)

    assert kept.read_text("utf-8") == "新しい"
    assert names_in(kept.parent) == ["kept"]


@pytest.mark.parametrize("mode", [0o600, 0o444, 0o644])
def test_it_sets_the_mode_whatever_the_umask_and_the_old_mode(kept: Path, mode: int) -> None:
    kept.chmod(0o666)
    umask = os.umask(0o077)
    try:
        write_whole(kept, "secret", mode=mode)
    finally:
        os.umask(umask)

    assert kept.stat().st_mode & 0o7777 == mode


def test_only_the_owner_may_read_unless_a_mode_is_given(tmp_path: Path) -> None:
    write_whole(tmp_path / "secret", "secret")

    assert (tmp_path / "secret").stat().st_mode & 0o7777 == 0o600


def test_the_mode_is_set_before_the_content_is_written(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []
    real = os.fchmod

    def fchmod(descriptor: int, mode: int) -> None:
        before = os.fstat(descriptor)
        real(descriptor, mode)
        seen.append((before.st_size, before.st_mode & 0o077))

    monkeypatch.setattr(os, "fchmod", fchmod)
    write_whole(kept, "secret", mode=0o444)

    assert seen == [(0, 0)]


def test_a_full_disk_leaves_the_old_content_and_no_partial_file(kept: Path) -> None:
    # A limit on the size of files fails the write itself, as a full disk does.
    script = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from pmscoring.base.files import write_whole\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: write_whole(Path(sys.argv[1]), 'new' * 1000)\n"
        "except OSError as error: print(error.errno)\n"
    )
    done = in_another_process(script, str(kept))

    assert done.stdout == f"{errno.EFBIG}\n", done.stderr
    assert kept.read_text("utf-8") == "old"
    assert names_in(kept.parent) == ["kept"]


@pytest.mark.parametrize("call", ["fchmod", "fsync"])
def test_a_process_killed_in_the_middle_leaves_the_old_content(kept: Path, call: str) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path\n"
        "from pmscoring.base.files import write_whole\n"
        f"os.{call} = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_whole(Path(sys.argv[1]), 'new')\n"
    )
    done = in_another_process(script, str(kept))

    assert done.returncode == -signal.SIGKILL
    assert kept.read_text("utf-8") == "old"
    assert names_in(kept.parent) == ["kept", "kept.partial"]
    write_whole(kept, "new")
    assert kept.read_text("utf-8") == "new"
    assert names_in(kept.parent) == ["kept"]


def test_a_failed_rename_leaves_the_old_content_and_no_partial_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()

    with pytest.raises(OSError, match="folder"):
        write_whole(tmp_path / "folder", "new")

    assert names_in(tmp_path) == ["folder"]


def test_it_writes_through_no_link_that_lies_where_the_partial_file_goes(kept: Path) -> None:
    other = kept.with_name("other")
    other.write_text("other", "utf-8")
    kept.with_name("kept.partial").symlink_to(other)

    write_whole(kept, "new")

    assert (kept.read_text("utf-8"), other.read_text("utf-8")) == ("new", "other")
    assert not kept.is_symlink()


def test_it_refuses_a_partial_file_that_another_process_makes_meanwhile(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = kept.with_name("victim")
    victim.write_text("victim", "utf-8")
    real = Path.unlink

    def unlink(path: Path, missing_ok: bool = False) -> None:
        real(path, missing_ok)
        path.symlink_to(victim)

    monkeypatch.setattr(Path, "unlink", unlink)
    with pytest.raises(FileExistsError):
        write_whole(kept, "new")

    assert (kept.read_text("utf-8"), victim.read_text("utf-8")) == ("old", "victim")


def test_content_file_and_folder_reach_the_disk_in_this_order(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    real_fsync, real_rename = os.fsync, Path.rename

    def fsync(descriptor: int) -> None:
        calls.append(f"fsync {os.readlink(f'/proc/self/fd/{descriptor}')}")
        real_fsync(descriptor)

    def rename(path: Path, target: Path) -> Path:
        calls.append("rename")
        return real_rename(path, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "rename", rename)
    write_whole(kept, "new")

    assert calls == [f"fsync {kept}.partial", "rename", f"fsync {kept.parent}"]
