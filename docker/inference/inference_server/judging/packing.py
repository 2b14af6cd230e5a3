"""Artefacts as bytes: named arrays (safetensors) and a JSON header, never a pickle."""

import hashlib
import struct
from typing import Any

import orjson
from safetensors import SafetensorError

UNREADABLE = (SafetensorError, struct.error, ValueError, TypeError, KeyError, IndexError)


class Unreadable(ValueError):
    """The bytes are no calibration that this service can use."""


def named(content: bytes) -> str:
    """The SHA-256 by which an artefact goes."""
    return hashlib.sha256(content).hexdigest()


def headers(content: bytes) -> dict[str, Any]:
    """The metadata, JSON by name, which the library does not read from bytes; raise Unreadable."""
    try:
        (size,) = struct.unpack_from("<Q", content)
        told = orjson.loads(content[8 : 8 + size])["__metadata__"]
        return {name: orjson.loads(one) for name, one in told.items()}
    except (*UNREADABLE, AttributeError) as error:
        raise Unreadable(f"not a calibration: {type(error).__name__}") from error
