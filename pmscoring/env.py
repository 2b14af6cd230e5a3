"""Typed readers of the environment; `NAME_FILE` names a file that holds the value of NAME."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off", ""}


class BadSetting(ValueError):
    """A variable is missing or does not read as its type; the message names it."""


def text(name: str, default: str | None = None) -> str:
    """The value of `name`, or the content of the file that `name_FILE` names, or `default`."""
    if value := os.environ.get(name):
        return value
    if path := os.environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise BadSetting(f"{name}_FILE: {path}: {error.strerror}") from error
    if default is None:
        raise BadSetting(f"{name} is not set (nor {name}_FILE)")
    return default


def _read(name: str, default: T, reader: Callable[[str], T], kind: str) -> T:
    value = text(name, "")
    if value == "":
        return default
    try:
        return reader(value)
    except ValueError as error:
        raise BadSetting(f"{name}={value!r} is not {kind}") from error


def integer(name: str, default: int) -> int:
    """The value of `name` as a whole number."""
    return _read(name, default, int, "a whole number")


def number(name: str, default: float) -> float:
    """The value of `name` as a number."""
    return _read(name, default, float, "a number")


def flag(name: str, default: bool) -> bool:
    """The value of `name` as true or false."""
    return _read(name, default, _truth, "true or false")


def words(name: str, default: str = "") -> list[str]:
    """The value of `name` split at commas, empty parts left out."""
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def choice(name: str, default: str, choices: tuple[str, ...]) -> str:
    """The value of `name`, which must be one of `choices`."""
    value = text(name, default)
    if value not in choices:
        raise BadSetting(f"{name}={value!r} is none of {', '.join(choices)}")
    return value


def _truth(value: str) -> bool:
    lowered = value.lower()
    if lowered not in TRUE | FALSE:
        raise ValueError(value)
    return lowered in TRUE
