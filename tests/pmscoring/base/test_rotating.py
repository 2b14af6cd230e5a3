"""Secrets in files: the first line is the value, and a second one as good while it is rotated."""

import fcntl
import threading
from pathlib import Path

import pytest

from pmscoring import secrets
from pmscoring.base import env, rotating


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the secret INFERENCE_TOKEN, which has the value `old`."""
    path = tmp_path / "inference_token"
    path.write_text("old")
    path.chmod(0o444)
    monkeypatch.delenv("INFERENCE_TOKEN", raising=False)
    monkeypatch.setenv("INFERENCE_TOKEN_FILE", str(path))
    return path


def test_the_steps_of_a_rotation_keep_the_file_and_its_mode(file: Path) -> None:
    inode = file.stat().st_ino
    seen = []
    for step in secrets.STEPS:
        secrets.rotate(file, step)
        seen.append(rotating.lines("INFERENCE_TOKEN"))

    new = seen[-1][0]
    assert seen == [["old", new], [new, "old"], [new]]
    assert len(new) >= 40
    assert (file.stat().st_ino, file.stat().st_mode & 0o777) == (inode, 0o444)


def test_a_step_that_is_tried_again_changes_nothing(file: Path) -> None:
    secrets.rotate(file, "add")
    before = file.read_text()
    secrets.rotate(file, "add")
    assert file.read_text() == before

    secrets.rotate(file, "swap")
    secrets.rotate(file, "drop")
    after = file.read_text()
    secrets.rotate(file, "drop")
    assert file.read_text() == after
    with pytest.raises(secrets.BadStep, match="--step add comes first"):
        secrets.rotate(file, "swap")


def test_settings_take_the_first_line(file: Path) -> None:
    secrets.rotate(file, "add")
    assert env.text("INFERENCE_TOKEN") == "old"


def test_a_value_in_the_environment_does_not_rotate(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INFERENCE_TOKEN", "fixed")
    assert rotating.lines("INFERENCE_TOKEN") == []
    assert rotating.first("INFERENCE_TOKEN", "fixed") == "fixed"


def test_a_reader_never_sees_anything_but_whole_secrets(file: Path) -> None:
    good, seen, stop = {"old"}, set(), threading.Event()

    def read() -> None:
        while not stop.is_set():
            seen.update(rotating.lines("INFERENCE_TOKEN") or [""])

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(100):
        for step in secrets.STEPS:
            secrets.rotate(file, step)
            good.update(file.read_text().split())
    stop.set()
    reader.join()

    assert seen <= good


def test_a_reader_waits_while_the_file_is_written(file: Path) -> None:
    seen: list[list[str]] = []
    reader = threading.Thread(target=lambda: seen.append(rotating.lines("INFERENCE_TOKEN")))
    file.chmod(0o644)
    with file.open("rb+") as written, rotating.locked(written.fileno(), fcntl.LOCK_EX):
        written.write(b"hal")
        written.flush()
        reader.start()
        reader.join(0.2)
        assert not seen
        written.write(b"f-written")
        written.flush()
    reader.join()

    assert seen == [["half-written"]]
