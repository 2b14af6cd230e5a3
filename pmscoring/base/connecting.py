"""Connections whose passwords are in files, read anew for each: rotating.py says why.

Only a password that is in a file of its own, and not in the URL, can change under a process.
"""

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import quote, unquote, urlsplit

import psycopg
import redis
from django.conf import settings
from redis.credentials import CredentialProvider

from pmscoring.base import rotating

Made = TypeVar("Made")


class FreshConnection(psycopg.Connection[Any]):
    """A connection to PostgreSQL with whichever password of DATABASE_PASSWORD_FILE is good."""

    @classmethod
    def connect(cls, conninfo: str = "", **kwargs: Any) -> "FreshConnection":
        """Try the passwords in their order: the server knows one, the file perhaps two."""
        known = kwargs.get("password") or ""
        *others, last = rotating.lines("DATABASE_PASSWORD") or [str(known)]
        for password in others:
            try:
                return super().connect(conninfo, **kwargs | {"password": password})
            except psycopg.OperationalError as error:
                if not was_refused(error):
                    raise
        return super().connect(conninfo, **kwargs | {"password": last})


def was_refused(error: psycopg.OperationalError) -> bool:
    """Whether the server did not accept the password; its words may be in any language."""
    return bool(error.pgconn and error.pgconn.used_password)


class Account(CredentialProvider):
    """The user of a URL with the password that its file now names first."""

    def __init__(self, name: str, url: str) -> None:
        self.name, self.parts = name, urlsplit(url)

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        """As redis-py wants them: user and password, or the password alone."""
        password = rotating.first(self.name, unquote(self.parts.password or ""))
        user = unquote(self.parts.username or "")
        return (user, password) if user else (password,)


class BrokerAccount(Account):
    """Celery's, which is named in its URL and made without arguments."""

    def __init__(self) -> None:
        super().__init__("BROKER_PASSWORD", settings.BROKER_URL)


def cache(**options: Any) -> "redis.Redis":
    """A client of the cache."""
    return connected(redis.Redis.from_url, settings.CACHE_URL, "CACHE_PASSWORD", **options)


def connected(make: Callable[..., Made], url: str, name: str, **options: Any) -> Made:
    """What `make` makes of the URL, with the password of the file `name`_FILE where it has one."""
    if name not in settings.PASSWORDS_IN_FILES:
        return make(url, **options)
    return make(without_account(url), credential_provider=Account(name, url), **options)


def with_password(url: str, name: str) -> str:
    """The URL with the password that its file now names first."""
    parts = urlsplit(url)
    if name not in settings.PASSWORDS_IN_FILES or parts.password is None:
        return url
    place = parts.netloc.rpartition("@")[2]
    password = quote(rotating.first(name, unquote(parts.password)), safe="")
    return parts._replace(netloc=f"{parts.username or ''}:{password}@{place}").geturl()


def without_account(url: str) -> str:
    """The URL without user and password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
