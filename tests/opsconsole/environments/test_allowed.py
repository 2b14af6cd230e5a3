"""Which management commands may be run, and with which arguments."""

import pytest
from django.core.management import get_commands

from opsconsole.environments import allowed
from pmscoring.base.refusals import Refused


@pytest.mark.parametrize(
    ("command", "words", "made"),
    [
        ("check", ["--deploy"], ["check", "--deploy"]),
        ("backup", ["--only", "database", "--json"], ["backup", "--only=database", "--json"]),
        ("backup", ["--note=before the exam"], ["backup", "--note=before the exam"]),
        ("verify", ["20261129T000000Z-0a1b2c3d"], ["verify", "20261129T000000Z-0a1b2c3d"]),
        ("migrate", ["--check"], ["migrate", "--check"]),
        ("agreement", ["PMP", "Q1"], ["agreement", "PMP", "Q1"]),
    ],
)
def test_what_looks_or_copies_is_allowed(command: str, words: list[str], made: list[str]) -> None:
    assert allowed.argv(command, words) == ["python", "manage.py", *made]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("shell", []),
        ("flush", []),
        ("migrate", []),
        ("migrate", ["--check", "scoring"]),
        ("prune", []),
        ("prune", ["--remove", "x"]),
        ("check", ["--settings=evil"]),
        ("check", ["--deploy; rm -rf /"]),
        ("backup", ["--encrypt-to", "age1x"]),
        ("backup", ["--only", "database --json"]),
        ("backup", ["--only"]),
        ("backup", ["--note", "two\nlines"]),
        ("verify", ["../../etc"]),
        ("verify", ["--identity", "/run/secrets/secret_key"]),
        ("verify", ["a", "b"]),
        ("audit", ["--export", "/tmp/x"]),
        (["check"], []),
        ("check", "--deploy"),
        ("check", [1]),
        ("check", None),
    ],
)
def test_everything_else_is_refused(command: object, words: object) -> None:
    with pytest.raises(Refused):
        allowed.argv(command, words)


def test_the_value_of_an_option_is_never_an_option() -> None:
    assert allowed.argv("backup", ["--note", "--to=moon"])[2:] == ["backup", "--note=--to=moon"]


def test_every_command_exists() -> None:
    assert set(get_commands()) >= set(allowed.COMMANDS)
