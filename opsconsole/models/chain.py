"""The chain that events form: how each link is hashed, and where a chain is broken.

A link is an event as a JSON object. Whoever has the links can verify them without this product:
`hash` is the SHA-256, in hexadecimal, of the object without `hash`, written as UTF-8 with sorted
keys and no white space (`jq -cSj 'del(.hash)'` writes it so), and `previous` is the hash of the
link before. Numbers begin at 1 and leave none out.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from pmscoring.base.redaction import redacted

Link = Mapping[str, Any]


@dataclass
class Chain:
    """A chain as far as it was followed: the last link's number and hash."""

    number: int = 0
    head: str = ""

    def follow(self, link: Link) -> bool:
        """Go on to the next link; False where this one is changed, or is not the next one."""
        if (link.get("number"), link.get("previous")) != (self.number + 1, self.head):
            return False
        if link.get("hash") != hash_of(link):
            return False
        self.number, self.head = self.number + 1, str(link["hash"])
        return True


def hash_of(link: Link) -> str:
    """The hash that belongs to the link, whatever its `hash` says."""
    content = {name: value for name, value in link.items() if name != "hash"}
    return hashlib.sha256(canonical(content)).hexdigest()


def canonical(content: Mapping[str, Any]) -> bytes:
    """The one way in which an object is written: UTF-8, sorted keys, no white space."""
    written = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return written.encode("utf-8", "surrogatepass")


def moment(at: datetime) -> str:
    """The time in a link: UTC, with microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def plain(details: Any) -> Any:
    """The details as PostgreSQL's jsonb gives them back, without secrets.

    Raises TypeError for what JSON cannot express.
    """
    return _kept(json.loads(json.dumps(details, cls=DjangoJSONEncoder)))


def _kept(value: Any) -> Any:
    """jsonb keeps numbers as decimals: 1e20 comes back as an integer, -0.0 as 0.0, and NaN never.

    The hash of what was written must be that of what is read.
    """
    if isinstance(value, str):
        return text(value)
    if isinstance(value, dict):
        return {text(key): _kept(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_kept(inner) for inner in value]
    if isinstance(value, float):
        return _number(value)
    return value


def _number(value: float) -> float | int | str:
    if value.is_integer():
        return int(value)
    return value if abs(value) < float("inf") else str(value)


def text(value: str, most: int | None = None) -> str:
    """The text without secrets and without what PostgreSQL refuses."""
    return redacted(value)[:most]
