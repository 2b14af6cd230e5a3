"""Files are exchanged by renames, and put back however far that had come."""

from pathlib import Path

import pytest

from opsconsole.backups.media import Media

LIVE = {"both": "live", "only-live": "live", "folder/deep": "live"}
STAGED = {"both": "restored", "only-backup": "restored"}


def written(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


def content(root: Path) -> dict[str, str]:
    """Of the files that belong to no restore."""
    names = [path.relative_to(root) for path in root.rglob("*") if path.is_file()]
    return {str(n): (root / n).read_text() for n in names if not str(n).startswith(".")}


@pytest.fixture
def media(tmp_path: Path) -> Media:
    media = Media(tmp_path, "0123abcd")
    written(tmp_path, LIVE)
    media.make()
    media.files.mkdir()
    written(media.files, STAGED)
    return media


def test_the_staged_files_take_the_live_ones_place(media: Media) -> None:
    media.exchange()
    assert content(media.root) == STAGED
    assert content(media.previous) == LIVE


def test_it_can_all_be_put_back(media: Media) -> None:
    names = media.staged()
    media.exchange()
    media.put_back(names)
    assert content(media.root) == LIVE
    assert content(media.files) == STAGED
    assert not media.previous.exists()


class Killed(Exception):
    """Stands for the death of the process at a rename."""


@pytest.mark.parametrize("renames", range(6))
@pytest.mark.parametrize("undone", range(6))
def test_it_is_put_back_from_wherever_it_stopped(
    media: Media, monkeypatch: pytest.MonkeyPatch, renames: int, undone: int
) -> None:
    names = media.staged()
    with killed_after(monkeypatch, renames):
        media.exchange()
    with killed_after(monkeypatch, undone):
        media.put_back(names)
    media.put_back(names)
    assert content(media.root) == LIVE
    assert content(media.files) == STAGED


class killed_after:  # noqa: N801 - reads as the contextmanager that it is
    """Path.rename works so many times, and then the process is gone."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, renames: int) -> None:
        self.patch, self.left, self.rename = monkeypatch, renames, Path.rename

    def __enter__(self) -> None:
        def rename(source: Path, target: Path) -> Path:
            self.left -= 1
            if self.left < 0:
                raise Killed
            return self.rename(source, target)

        self.patch.setattr(Path, "rename", rename)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        self.patch.setattr(Path, "rename", self.rename)
        return kind is Killed


def test_live_files_are_staged_without_being_copied(media: Media) -> None:
    media.stage_live()
    assert content(media.files) == LIVE | STAGED
    assert (media.files / "only-live").stat().st_ino == (media.root / "only-live").stat().st_ino
    (media.files / "only-live").unlink()
    assert content(media.root) == LIVE


def test_an_archive_that_waits_to_be_taken_in_stays_where_it_is(media: Media) -> None:
    written(media.root, {".arrived/upload.tar": "archive"})
    media.exchange()
    assert (media.root / ".arrived" / "upload.tar").read_text() == "archive"
    assert content(media.root) == STAGED
