"""Any calibration out of its bytes: that of a question, or the general one."""

from inference_server.judging.general import General
from inference_server.judging.packing import headers
from inference_server.judging.question import Calibration

Fitted = Calibration | General


def unpack(content: bytes) -> Fitted:
    """The calibration in an artefact, tried once; raise Unreadable."""
    return General.unpack(content) if "general" in headers(content) else Calibration.unpack(content)
