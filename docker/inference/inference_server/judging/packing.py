"""Artefacts as bytes: named arrays (safetensors) and JSON in its metadata, never a pickle.

The same calibration is always the same bytes, so that their SHA-256 can name it.
"""

import hashlib
import struct
from typing import Any

import orjson
from safetensors import SafetensorError

UNREADABLE = (SafetensorError, struct.error, ValueError, TypeError, KeyError, IndexError)
"""What reading bytes that are no artefact may raise."""


class Unreadable(ValueError):
    """The bytes are no calibration that this service can use."""


def sha256_of(content: bytes) -> str:
    """The name of an artefact."""
    return hashlib.sha256(content).hexdigest()


def dump_header(header: dict[str, Any]) -> str:
    """The JSON of a header, the same for the same values."""
    return orjson.dumps(header, option=orjson.OPT_SORT_KEYS).decode()


def read_headers(content: bytes) -> dict[str, Any]:
    """The headers in an artefact's metadata by name, of which it has one; raise Unreadable.

    The library reads metadata from files only: eight bytes of length (little-endian), then JSON.
    """
    try:
        (size,) = struct.unpack_from("<Q", content)
        metadata = orjson.loads(content[8 : 8 + size])["__metadata__"]
        return {name: orjson.loads(header) for name, header in metadata.items()}
    except (*UNREADABLE, AttributeError) as error:
        raise Unreadable(f"not a calibration: {type(error).__name__}") from error
