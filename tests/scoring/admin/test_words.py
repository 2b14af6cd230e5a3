"""The Japanese catalogue knows every text of the sources; English is what the sources say."""

import ast
import re
from collections.abc import Iterator

import polib

from tests.paths import ROOT

PLACES = ("pmscoring", "scoring", "opsconsole")
CALLS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy", "Refusal"}
TAG = re.compile(r"""{% trans(?:late)? "((?:[^"\\]|\\.)*)" """)


def in_python() -> Iterator[str]:
    for place in PLACES:
        for path in (ROOT / place).rglob("*.py"):
            if "migrations" not in path.parts:
                yield from _called(ast.parse(path.read_text("utf-8")))


def _called(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def in_templates() -> Iterator[str]:
    for place in PLACES:
        for path in (ROOT / place).rglob("templates/**/*.html"):
            yield from TAG.findall(path.read_text("utf-8"))


def test_it_knows_every_text_of_the_sources() -> None:
    catalogue = polib.pofile(str(ROOT / "locale" / "ja" / "LC_MESSAGES" / "django.po"))
    known = {entry.msgid for entry in catalogue.translated_entries()}
    wanted = {*in_python(), *in_templates()}
    assert len(wanted) > 100
    assert sorted(wanted - known) == []


def test_it_keeps_every_placeholder() -> None:
    holder = re.compile(r"%\(\w+\)[sd]|{}")
    catalogue = polib.pofile(str(ROOT / "locale" / "ja" / "LC_MESSAGES" / "django.po"))
    for entry in catalogue:
        for told in [entry.msgstr, *entry.msgstr_plural.values()]:
            if told:
                assert sorted(holder.findall(told)) == sorted(holder.findall(entry.msgid)), told
