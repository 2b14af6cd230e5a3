"""docs/configuration.md has every variable that the code reads, and no other."""

import ast
import inspect
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from pmscoring.base import env
from tests.paths import ROOT

PLACES = ("pmscoring", "scoring", "opsconsole", "docker", "manage.py")
READERS = {
    name
    for name, reader in inspect.getmembers(env, inspect.isfunction)
    if not name.startswith("_") and "name" in inspect.signature(reader).parameters
}
ROW = re.compile(r"^\| `([A-Z_]+)` \| (.+?) \| .+ \| ([a-z, ]+) \|$", re.MULTILINE)
# Names that are no constants where they are read: what they stand for is found otherwise.
VARIABLE_NAMES = {
    ("opsconsole/backups/configuration.py", "name"),
    ("pmscoring/embedded/attachment.py", "name"),
    ("pmscoring/embedded/passwords.py", "name"),
    ("pmscoring/embedded/ports.py", "variable"),
}
Reads = dict[str, set[str]]


def sources() -> Iterator[tuple[str, ast.Module]]:
    for place in PLACES:
        path = ROOT / place
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            yield file.relative_to(ROOT).as_posix(), ast.parse(file.read_text("utf-8"))


def process_of(path: str) -> str:
    """Which process runs the file."""
    if path.startswith("pmscoring/embedded/"):
        return "embedded"
    if path.startswith("docker/inference/"):
        return "inference"
    single = {"pmscoring/gunicorn.py": "web", "pmscoring/secrets.py": "secrets"}
    return single.get(path, "app")


def is_environ(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and ast.unparse(node) == "os.environ"


def reader_calls(tree: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if ast.unparse(node.func.value) == "env" and node.func.attr in READERS:
            yield node


def word(node: ast.expr | None) -> str:
    """The text that the node is; "" where it is none."""
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, str) else ""


def read_by_env() -> Reads:
    """Variables that the typed readers read, with the processes in which they do."""
    found: Reads = defaultdict(set)
    for path, tree in sources():
        for call in reader_calls(tree):
            if name := word(call.args[0]):
                found[name].add(process_of(path))
            else:
                assert (path, ast.unparse(call.args[0])) in VARIABLE_NAMES
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "chosen_ports":
                assert isinstance(node.args[0], ast.Dict)
                for key in node.args[0].keys:
                    found[f"PMS_{word(key).upper()}_PORT"].add("embedded")
            elif path == "pmscoring/embedded/passwords.py" and isinstance(node, ast.For):
                for name in ast.literal_eval(node.iter):
                    found[name].add("embedded")
    return found


def read_directly() -> Reads:
    """Variables that are looked up in os.environ itself."""
    found: Reads = defaultdict(set)
    for path, tree in sources():
        for node in ast.walk(tree):
            name: ast.expr | None = None
            if isinstance(node, ast.Subscript) and is_environ(node.value):
                name = node.slice
            elif isinstance(node, ast.Compare) and is_environ(node.comparators[0]):
                name = node.left
            elif isinstance(node, ast.Call) and ast.unparse(node.func).startswith("os.environ."):
                name = node.args[0] if node.args else None
            if word(name):
                found[word(name)].add(process_of(path))
    return found


def documented() -> tuple[dict[str, tuple[str, set[str]]], dict[str, tuple[str, set[str]]]]:
    """The two tables: name -> (default, processes)."""
    text = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    ours, own = text.split("## Set by the product itself")
    tables = []
    for part in (ours, own):
        rows = ROW.findall(part)
        assert len(rows) == len({row[0] for row in rows})
        tables.append({name: (default, set(by.split(", "))) for name, default, by in rows})
    return tables[0], tables[1]


def test_every_variable_is_documented_with_who_reads_it_and_no_other_is() -> None:
    ours, own = documented()
    typed, direct = read_by_env(), read_directly()
    assert len(typed) > 40
    assert {name: by for name, (_, by) in ours.items()} == typed
    rest = {name: by for name, by in direct.items() if name not in typed}
    assert {name: by for name, (_, by) in own.items()} == rest


def literal_defaults() -> Iterator[tuple[str, str]]:
    for _, tree in sources():
        for call in reader_calls(tree):
            if word(call.args[0]) and len(call.args) > 1:
                default = call.args[1]
                if isinstance(default, ast.IfExp):
                    default = default.orelse
                if isinstance(default, ast.Constant) and default.value not in ("", 0, None):
                    value = default.value
                    told = str(value).lower() if isinstance(value, bool) else str(value)
                    yield word(call.args[0]), told


@pytest.mark.parametrize(("name", "default"), sorted(set(literal_defaults())))
def test_the_documented_default_is_the_codes(name: str, default: str) -> None:
    assert documented()[0][name][0] == f"`{default}`"


def test_every_variable_may_be_given_as_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("\nfrom a file\n", "utf-8")
    monkeypatch.setenv("SOME_FILE", str(tmp_path / "secret"))
    assert env.text("SOME") == "from a file"
    monkeypatch.setenv("SOME", "itself")
    assert env.text("SOME") == "itself"
