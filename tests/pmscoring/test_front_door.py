"""What a newcomer reads and installs first: hooks as in `make check`, documents that stay true."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.paths import ROOT

HOOKS = ROOT / ".pre-commit-config.yaml"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob(".github/*.md")])
WIDTH = 120
LINK = re.compile(r"\]\([^)\s]*\)|<?https?://[^\s)>]+>?")
RELATIVE_LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)")
TOP = r"\.ci|\.github|compose|docker|docs|locale|opsconsole|pmscoring|requirements|scoring|tests"
PATH = re.compile(rf"`((?:{TOP})/[\w./-]+)`")
NAME_IN_FILE = re.compile(r"`(\w+)`\s+(?:of|in)\s+`([\w./]+/\w+\.py)`")
MADE_BY_AN_INSTALLATION = ("compose/.env", "compose/bundle.env", "compose/secrets")
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


def prose(text: str) -> Iterator[tuple[int, str]]:
    """(number, line) of what stands neither in a table nor in a block of code."""
    is_code = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            is_code = not is_code
        elif not is_code and not line.lstrip().startswith("|"):
            yield number, line


def anchor(heading: str) -> str:
    """The fragment by which GitHub links to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", document.read_text("utf-8"), re.MULTILINE)
    return {anchor(heading) for heading in headings}


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


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_no_line_of_prose_is_too_long_to_review(document: Path) -> None:
    lines = prose(document.read_text("utf-8"))
    assert not [(number, line) for number, line in lines if len(LINK.sub("", line)) >= WIDTH]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_path_that_a_document_names_exists(document: Path) -> None:
    named = set(PATH.findall(document.read_text("utf-8")))
    missing = {path for path in named if not (ROOT / path).exists()}
    assert not {path for path in missing if not path.startswith(MADE_BY_AN_INSTALLATION)}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_name_that_a_document_finds_in_a_file_is_there(document: Path) -> None:
    for name, path in NAME_IN_FILE.findall(document.read_text("utf-8")):
        assert re.search(rf"\b{name}\b", (ROOT / path).read_text("utf-8")), f"{name} in {path}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_within_the_repository_leads_somewhere(document: Path) -> None:
    for path, fragment in RELATIVE_LINK.findall(document.read_text("utf-8")):
        target = document.parent / path if path else document
        assert target.exists(), path
        assert not fragment or fragment in anchors(target), f"{path}#{fragment}"
