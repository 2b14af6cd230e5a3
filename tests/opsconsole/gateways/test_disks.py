"""The room on a disk."""

from pathlib import Path

import pytest

from opsconsole.gateways import disks


def test_it_counts_the_bytes_of_all_files_below(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c").write_bytes(b"x" * 1000)
    (tmp_path / "d").write_bytes(b"x" * 10)
    assert disks.used(tmp_path) == 1010
    assert disks.used(tmp_path / "none") == 0


def test_it_says_how_much_is_missing_also_of_a_folder_that_is_yet_to_be_made(
    tmp_path: Path,
) -> None:
    disks.require(tmp_path / "new" / "folder", 1)
    with pytest.raises(disks.DiskFull, match=r"MB free, but 1000000064 MB may be needed"):
        disks.require(tmp_path / "new" / "folder", 1_000_000 * 1024 * 1024 * 1000)
