"""A restore that was killed is dealt with before the start looks at the database."""

from pathlib import Path

import pytest

from pmscoring.embedded.plan import plan


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, all of whose servers are elsewhere."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/pmscoring")
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("INFERENCE_URL", "http://127.0.0.1:1")
    (tmp_path / "run").mkdir()
    (tmp_path / "uploads" / ".restore-0123abcd").mkdir(parents=True)
    return tmp_path


def names(var: Path) -> list[str]:
    return [item.name for item in plan(var, var / "models", web_port=0).work]


def test_a_journal_makes_the_start_recover_first(var: Path) -> None:
    (var / "uploads" / ".restore-0123abcd" / "journal.json").touch()
    assert names(var)[:2] == ["recovery", "migrate"]


def test_without_one_the_start_does_not_wait_for_it(var: Path) -> None:
    assert names(var)[0] == "migrate"
