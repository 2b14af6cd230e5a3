"""What is made of supervisord's answers."""

import xmlrpc.client
from pathlib import Path
from types import SimpleNamespace

import pytest
from supervisor.xmlrpc import Faults

from pmscoring.embedded.errors import CannotStart
from pmscoring.embedded.supervisor import Supervisor


def answering(patch: pytest.MonkeyPatch, folder: Path, fault: int) -> Supervisor:
    """One whose supervisord answers a start with this fault."""

    def start(name: str, _wait: bool) -> bool:
        raise xmlrpc.client.Fault(fault, name)

    remote = SimpleNamespace(supervisor=SimpleNamespace(startProcess=start))
    patch.setattr(Supervisor, "remote", remote)
    return Supervisor(folder, folder, 1, "a password")


def test_what_dies_before_the_call_comes_back_is_no_failed_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answering(monkeypatch, tmp_path, Faults.SPAWN_ERROR).start("last")


def test_what_cannot_be_run_is_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="last"):
        answering(monkeypatch, tmp_path, Faults.NO_FILE).start("last")
