"""manifest.json: read strictly, for it may come from anybody."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsconsole.backups import manifest
from opsconsole.backups.manifest import Manifest, ManifestError


@pytest.fixture
def document(tmp_path: Path) -> Manifest:
    """The manifest of a folder with two parts."""
    (tmp_path / "database").mkdir()
    (tmp_path / "database" / "toc.dat").write_bytes(b"toc")
    (tmp_path / "database" / "1.dat.gz").write_bytes(b"rows")
    (tmp_path / "uploads.tar").write_bytes(b"files")
    return {
        "format": 1,
        "installation": "5f0c3b8e-26b8-4a37-a3a4-0f8d1a1c2b3d",
        "id": "1f0c3b8e-26b8-4a37-a3a4-0f8d1a1c2b3d",
        "name": "20260101T000000Z-1f0c3b8e",
        "started_at": "2026-01-01T00:00:00+00:00",
        "snapshot_at": "2026-01-01T00:00:01+00:00",
        "product": {"version": "1", "migrations": {"scoring": ["0001_initial"]}},
        "server": {
            "version": "16.4", "client": 16, "encoding": "UTF8", "locale": "C", "collations": {},
        },
        "tables": {"answer": {"rows": 1, "sha256": "0" * 64}},
        "parts": [manifest.described(tmp_path, name) for name in ("database", "uploads")],
        "encryption": None,
        "left_out": [],
        "warnings": [],
    }  # fmt: skip


def test_it_reads_what_it_wrote(document: Manifest, tmp_path: Path) -> None:
    manifest.write(tmp_path, document)
    assert manifest.read(tmp_path) == document
    assert manifest.unlisted(tmp_path, document) == []
    assert not any(list(manifest.faults(tmp_path, part)) for part in document["parts"])


def escape(document: dict[str, Any], path: str) -> None:
    file = document["parts"][1]["files"][0] | {"path": path}
    document["parts"][1] = manifest.part_with("uploads", [file])


def lie(document: dict[str, Any]) -> None:
    document["parts"][0]["bytes"] += 1


def twice(document: dict[str, Any]) -> None:
    document["parts"].append(document["parts"][0])


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "format": lambda document: document.update(format=2),
    "no parts": lambda document: document.update(parts=[]),
    "an unknown part": lambda document: document["parts"][0].update(name="../database"),
    "no tables": lambda document: document.pop("tables"),
    "rows": lambda document: document["tables"]["answer"].update(rows=-1),
    "name": lambda document: document.update(name="../../etc"),
    "above": lambda document: escape(document, "../uploads.tar"),
    "absolute": lambda document: escape(document, "/etc/passwd"),
    "another place": lambda document: escape(document, "database/toc.dat"),
    "below": lambda document: escape(document, "uploads.tar/../../x"),
    "an empty file": lambda document: document["parts"][0]["files"][0].update(bytes=0),
    "sums": lie,
    "twice": twice,
}


@pytest.mark.parametrize("change", CHANGES)
def test_it_refuses_a_manifest_that_is_wrong_about(
    change: str, document: Manifest, tmp_path: Path
) -> None:
    changed = json.loads(json.dumps(document))
    CHANGES[change](changed)
    (tmp_path / "manifest.json").write_text(json.dumps(changed))
    with pytest.raises(ManifestError):
        manifest.read(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "[" * 100_000, '"x"'])
def test_it_refuses_what_is_no_manifest(content: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(ManifestError):
        manifest.read(tmp_path)


def test_it_reads_no_link(document: Manifest, tmp_path: Path) -> None:
    manifest.write(tmp_path, document)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "manifest.json").symlink_to(tmp_path / "manifest.json")
    with pytest.raises(ManifestError):
        manifest.read(tmp_path / "other")


def test_a_folder_without_one_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"no manifest\.json: it is not a backup"):
        manifest.read(tmp_path)


def test_a_file_behind_a_linked_folder_is_a_fault(document: Manifest, tmp_path: Path) -> None:
    (tmp_path / "database").rename(tmp_path / "elsewhere")
    (tmp_path / "database").symlink_to(tmp_path / "elsewhere")
    faults = list(manifest.faults(tmp_path, document["parts"][0]))
    assert faults == ["database/1.dat.gz is behind a link", "database/toc.dat is behind a link"]


def test_an_empty_part_is_none(tmp_path: Path) -> None:
    (tmp_path / "redis.rdb").touch()
    with pytest.raises(ManifestError, match="the part redis is empty"):
        manifest.described(tmp_path, "redis")
