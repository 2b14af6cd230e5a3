"""What the documents name is there: paths, files, make targets, the targets of links."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paths import ROOT

OURS = [
    path for path in ROOT.iterdir() if path.name not in (".git", "var") and ".venv" not in path.name
]
FILES = {file.name for path in OURS for file in (path, *path.rglob("*"))}
DOCUMENTS = sorted(
    document.relative_to(ROOT).as_posix()
    for pattern in ("*.md", ".github/*.md", ".github/*/*.md", "docs/*.md", "scoring/sample/*.md")
    for document in ROOT.glob(pattern)
)
WRITTEN_BY_USE = ("var/", "compose/.env", "compose/secrets", "compose/bundle.env")
"""What only a machine has on which the product runs or is built."""
NAME_IN_FILE = re.compile(r"`(\w+)`\s+(?:of|in)\s+`([\w./]+/\w+\.py)`")
LINK = re.compile(r"\]\([^)\s]*\)|<?https?://[^\s)>]+>?")
WIDTH = 120
documents = pytest.mark.parametrize("document", DOCUMENTS)


def text_of(document: str) -> str:
    return (ROOT / document).read_text("utf-8")


def quoted(document: str) -> Iterator[str]:
    """What stands between single backticks."""
    return (match[1] for match in re.finditer(r"`([^`\n]+)`", text_of(document)))


def is_a_path(word: str) -> bool:
    """A path of the repository, not of a container, a URL or a machine."""
    top = word.partition("/")[0]
    is_path = re.fullmatch(r"[\w.*-]+(/[\w.*-]*)+", word)
    return bool(is_path) and top in {path.name for path in OURS}


def prose(document: str) -> Iterator[tuple[int, str]]:
    """The lines outside tables and blocks of code, with their numbers."""
    in_code = False
    for number, line in enumerate(text_of(document).splitlines(), 1):
        if line.lstrip().startswith("```"):
            in_code = not in_code
        elif not in_code and not line.lstrip().startswith("|"):
            yield number, line


def written_by_an_installation(name: str) -> bool:
    """Whether the embedded installation's source names the file, which it writes when it runs."""
    sources = (ROOT / "pmscoring" / "embedded").glob("*.py")
    return any(f'"{name}"' in source.read_text("utf-8") for source in sources)


def make_targets() -> set[str]:
    files = (ROOT / "Makefile", *ROOT.glob("compose/*.mk"))
    return {
        match[1]
        for file in files
        for match in re.finditer(r"^([a-z][a-z-]*):", file.read_text("utf-8"), re.MULTILINE)
    }


def anchors(document: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", document.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_it_reads_the_documents_and_what_is_there() -> None:
    assert {"README.md", "README.ja.md", "docs/architecture.md"} <= set(DOCUMENTS)
    assert {"test", "check", "images"} <= make_targets()
    assert "behind-a-proxy" in anchors(ROOT / "docs" / "configuration.md")


@documents
def test_every_path_that_it_names_exists(document: str) -> None:
    paths = [word for word in quoted(document) if is_a_path(word)]
    missing = [
        path
        for path in paths
        if not path.startswith(WRITTEN_BY_USE) and not list(ROOT.glob(path.rstrip("/")))
    ]
    assert not missing


@documents
def test_every_file_that_it_names_exists(document: str) -> None:
    ending = r"(py|md|ya?ml|html|css|js|json|jsonl|toml|sh|txt|conf|mk|xml)"
    files = [word for word in quoted(document) if re.fullmatch(rf"[\w-][\w.-]*\.{ending}", word)]
    assert not [
        file for file in files if file not in FILES and not written_by_an_installation(file)
    ]


@documents
def test_every_name_that_it_finds_in_a_file_is_there(document: str) -> None:
    for name, path in NAME_IN_FILE.findall(text_of(document)):
        assert re.search(rf"\b{name}\b", (ROOT / path).read_text("utf-8")), f"{name} in {path}"


@documents
def test_every_make_target_that_it_names_exists(document: str) -> None:
    commands = re.findall(
        r"(?:`|^\s*(?:sudo )?)make ([a-z][a-z-]*)", text_of(document), re.MULTILINE
    )
    assert not [target for target in commands if target not in make_targets()]


@documents
def test_every_link_within_the_repository_leads_somewhere(document: str) -> None:
    missing = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(document)):
        name, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = (ROOT / document).parent / name if name else ROOT / document
        if not file.exists() or (anchor and anchor not in anchors(file)):
            missing.append(target)
    assert not missing


@documents
def test_its_lines_are_short_enough_to_read_beside_a_change(document: str) -> None:
    lines = prose(document)
    assert not [number for number, line in lines if len(LINK.sub("", line)) > WIDTH]
