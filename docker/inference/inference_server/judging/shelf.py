"""The calibrations in memory; those that were used longest ago are dropped first."""

import threading
from collections import OrderedDict

from inference_server.judging.artefacts import Calibration


class Shelf:
    """Holds at most so many bytes of artefacts, but always the last one.

    Requests and uploads use it in the event loop while a fit puts its calibration from a thread of
    its own; the lock keeps order and sizes consistent. Calibrations never change, so that one that
    is dropped while a request scores under it stays usable for that request. Where it was dropped
    before the request came, the answer is 424, and the client uploads the artefact again.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.held: OrderedDict[str, tuple[int, Calibration]] = OrderedDict()
        self.lock = threading.Lock()

    def put(self, sha256: str, size: int, calibration: Calibration) -> None:
        """Keep the calibration of an artefact of `size` bytes under its name."""
        with self.lock:
            self.held[sha256] = size, calibration
            self.held.move_to_end(sha256)
            while sum(n for n, _ in self.held.values()) > self.max_bytes and len(self.held) > 1:
                self.held.popitem(last=False)

    def get(self, sha256: str) -> Calibration | None:
        """The calibration of that name, or None where it is not held."""
        with self.lock:
            if sha256 not in self.held:
                return None
            self.held.move_to_end(sha256)
            return self.held[sha256][1]
