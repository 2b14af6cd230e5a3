"""The calibrations that are at hand, those used longest ago given up first."""

import threading
from collections import OrderedDict

from inference_server.judging.artefacts import Fitted


class Shelf:
    """Holds so many bytes of artefacts at most, but always the last one."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.held: OrderedDict[str, tuple[int, Fitted]] = OrderedDict()
        self.lock = threading.Lock()

    def put(self, sha256: str, size: int, calibration: Fitted) -> None:
        """Keep it under its name."""
        with self.lock:
            self.held[sha256] = size, calibration
            self.held.move_to_end(sha256)
            while sum(n for n, _ in self.held.values()) > self.most_bytes and len(self.held) > 1:
                self.held.popitem(last=False)

    def get(self, sha256: str) -> Fitted | None:
        """The calibration of that name, if it is here."""
        with self.lock:
            if sha256 not in self.held:
                return None
            self.held.move_to_end(sha256)
            return self.held[sha256][1]
