"""Typed readers of the environment; `NAME_FILE` names a file that holds the value of NAME."""

import ipaddress
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

T = TypeVar("T")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off", ""}


class BadSetting(ValueError):
    """A variable is missing or does not read as its type; the message names it."""


def text(name: str, default: str | None = None) -> str:
    """The value of `name`, or the first line of the file that `name_FILE` names, or `default`.

    An empty value, and an empty file, is none. A second line is that of a secret which is being
    rotated (rotating.py).
    """
    if value := os.environ.get(name):
        return value
    if (path := os.environ.get(f"{name}_FILE")) and (content := _content(name, path)):
        return content
    if default is None:
        raise BadSetting(f"{name} is not set (nor {name}_FILE)")
    return default


def _content(name: str, path: str) -> str:
    try:
        content = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise BadSetting(f"{name}_FILE: {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        # Not `from` it: that error has the content, most often a secret, in it.
        raise BadSetting(f"{name}_FILE: {path} is not UTF-8") from None
    return next((line.strip() for line in content.splitlines() if line.strip()), "")


def _read(name: str, default: T, reader: Callable[[str], T], kind: str) -> T:
    value = text(name, "")
    if value == "":
        return default
    try:
        return reader(value)
    except ValueError as error:
        raise BadSetting(f"{name}={value!r} is not {kind}") from error


def integer(name: str, default: int, least: int | None = None) -> int:
    """The value of `name` as a whole number, of `least` or more."""
    value = _read(name, default, int, "a whole number")
    if least is not None and value < least:
        raise BadSetting(f"{name}={value} is less than {least}")
    return value


def number(name: str, default: float) -> float:
    """The value of `name` as a number that is not negative."""
    value = _read(name, default, float, "a number")
    if not 0 <= value < float("inf"):
        raise BadSetting(f"{name}={value} is not a number of 0 or more")
    return value


def flag(name: str, default: bool) -> bool:
    """The value of `name` as true or false."""
    return _read(name, default, _truth, "true or false")


def words(name: str, default: str | None = "") -> list[str]:
    """The value of `name` split at commas, empty parts left out."""
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def choice(name: str, default: str, choices: tuple[str, ...]) -> str:
    """The value of `name`, which must be one of `choices`, in upper or lower case."""
    value = text(name, default)
    for known in choices:
        if value.lower() == known.lower():
            return known
    raise BadSetting(f"{name}={value!r} is none of {', '.join(choices)}")


def matching(name: str, default: str, pattern: str, kind: str) -> str:
    """The value of `name`, which the whole pattern must match; `kind` says it in words."""
    value = text(name, default)
    if not re.fullmatch(pattern, value):
        raise BadSetting(f"{name}={value!r} is not {kind}")
    return value


def url(name: str, default: str, schemes: tuple[str, ...], password: str = "") -> str:
    """The value of `name` as a URL of one of `schemes`; errors never show it, for its password.

    `password` is filled in where the URL has none.
    """
    value = text(name, default)
    try:
        parts = urlsplit(value)
        good = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        example = f"{schemes[0]}://host:port; signs such as @ / # in a password are %-encoded"
        raise BadSetting(f"{name} is not a URL of the kind {example}")
    return _with_password(value, password) if password else value


def _with_password(value: str, password: str) -> str:
    parts = urlsplit(value)
    if parts.password is not None:
        return value
    user, _, place = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user}:{quote(password, safe='')}@{place}").geturl()


def zone(name: str, default: str) -> str:
    """The value of `name` as a name of the time zone database."""
    value = text(name, default)
    try:
        ZoneInfo(value)
    except (OSError, ValueError, ZoneInfoNotFoundError) as error:
        raise BadSetting(f"{name}={value!r} is not a time zone such as Asia/Tokyo") from error
    return value


def networks(name: str, default: str) -> list[Network]:
    """The value of `name` as addresses and networks (10.0.0.0/8) between commas."""
    try:
        return [ipaddress.ip_network(word) for word in words(name, default)]
    except ValueError as error:
        raise BadSetting(f"{name}: {error}") from error


def _truth(value: str) -> bool:
    lowered = value.lower()
    if lowered not in TRUE | FALSE:
        raise ValueError(value)
    return lowered in TRUE
