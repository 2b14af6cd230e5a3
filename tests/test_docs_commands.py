"""The commands of manage.py that documents and scripts name exist, and take these arguments."""

import re
import shlex
from collections.abc import Iterator

import pytest
from django.core.management import CommandError, get_commands, load_command_class

from tests.paths import ROOT

WRITTEN = [
    path
    for pattern in ("README*.md", "SECURITY.md", "CONTRIBUTING.md", "docs/*.md", "compose/*.sh")
    for path in sorted(ROOT.glob(pattern))
]
TYPED = re.compile(r"""ARGS="([^"\n]+)"|^(?:[^`\n]* )?(?:python|manage) manage\.py ([^`#\n]+)""")
MENTIONED = re.compile(r"`manage\.py ([a-z_]+)`")
SHORTENED = re.compile(r"[…\[$>|;&)]")
"""Marks of a line that leaves something out, or that a shell reads."""


def typed() -> Iterator[tuple[str, str]]:
    """Each file with each command in it that can be typed as it stands."""
    for path in WRITTEN:
        for line in path.read_text("utf-8").splitlines():
            for found in TYPED.findall(line.replace("/python manage.py", "/ python manage.py")):
                words = "".join(found).strip()
                if not SHORTENED.search(words):
                    yield path.name, words


@pytest.mark.parametrize(("file", "words"), sorted(set(typed())))
def test_a_command_can_be_typed_as_it_stands(file: str, words: str) -> None:
    name, *arguments = shlex.split(words)
    application = get_commands()[name]
    command = load_command_class(application, name) if isinstance(application, str) else application
    try:
        command.create_parser("manage.py", name).parse_args(arguments)
    except CommandError as error:
        if "invalid choice: 'NAME'" not in str(error):
            pytest.fail(f"{file}: manage.py {words}: {error}")


def test_a_command_that_is_mentioned_exists() -> None:
    mentioned = {name for path in WRITTEN for name in MENTIONED.findall(path.read_text("utf-8"))}
    assert mentioned
    assert not mentioned - set(get_commands())


def test_it_reads_what_operators_type() -> None:
    names = {words.split()[0] for _, words in typed()}
    assert {"backup", "restore", "deploy", "environments", "deployments", "scale"} <= names
