"""What a newcomer installs and reads first: hooks as in `make check`, and the licence."""

import re

import pytest
import yaml

from tests.paths import ROOT

HOOKS = ROOT / ".pre-commit-config.yaml"
pytestmark = pytest.mark.skipif(not HOOKS.exists(), reason="no checkout: the files are not here")


def recipe(target: str) -> list[str]:
    """The commands of a target of the Makefile, as the shell gets them."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert found, target
    lines = [line.strip().removeprefix("@") for line in found[1].splitlines()]
    return [line.replace("$(BIN)", ".venv/bin") for line in lines if not line.startswith("#")]


def python_path() -> str:
    """What the Makefile exports."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    found = re.search(r"^export PYTHONPATH := (\S+)$", makefile, re.MULTILINE)
    assert found
    return found[1]


def test_the_hooks_run_what_make_check_runs() -> None:
    (repository,) = yaml.safe_load(HOOKS.read_text("utf-8"))["repos"]
    exported = f"PYTHONPATH={python_path()} "
    entries = [hook["entry"].removeprefix("env ") for hook in repository["hooks"]]
    assert len(entries) >= 5
    assert [entry.removeprefix(exported) for entry in entries] == recipe("check")


def test_the_hooks_use_the_pinned_environment_and_look_at_the_whole_tree() -> None:
    (repository,) = yaml.safe_load(HOOKS.read_text("utf-8"))["repos"]
    assert repository["repo"] == "local"
    for hook in repository["hooks"]:
        assert (hook["language"], hook["pass_filenames"]) == ("system", False), hook["id"]


@pytest.mark.parametrize("name", ["README.md", "README.ja.md"])
def test_the_readmes_name_the_licence(name: str) -> None:
    assert (ROOT / "LICENSE").read_text("utf-8").startswith("MIT License\n")
    assert "[MIT](LICENSE)" in (ROOT / name).read_text("utf-8")
