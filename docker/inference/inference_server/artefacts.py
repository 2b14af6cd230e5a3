"""Any calibration out of its bytes: that of a question, or the general one."""

import struct
from typing import Any

import orjson

from inference_server.calibration.artefact import UNREADABLE, Calibration, Unreadable
from inference_server.general.model import General

Fitted = Calibration | General


def unpack(content: bytes) -> Fitted:
    """The calibration in an artefact, tried once; raise Unreadable."""
    header = _general(content)
    return Calibration.unpack(content) if header is None else General.unpack(header, content)


def _general(content: bytes) -> dict[str, Any] | None:
    """The header of a general model; None where it is none."""
    try:
        (size,) = struct.unpack_from("<Q", content)
        told = orjson.loads(content[8 : 8 + size])["__metadata__"].get("general")
        header: dict[str, Any] | None = orjson.loads(told) if told else None
    except (*UNREADABLE, AttributeError) as error:
        raise Unreadable(f"not a calibration: {type(error).__name__}") from error
    return header
