"""One calibration in a thread of its own, told line by line, stopped when nobody listens."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

from inference_server.encoding.batching import Overloaded, TooLarge
from inference_server.fitting.examples import TooFew

log = logging.getLogger("inference")
Told = dict[str, Any]


Work = Callable[[Callable[[str, float], None]], Told]
KINDS: dict[type[Exception], str] = {
    TooLarge: "too_large",
    Overloaded: "overloaded",
    TooFew: "invalid",
}


class Stopped(Exception):
    """Nobody listens any more."""


class Job:
    """Runs `work(say)` and gives its progress, its result or its error as lines."""

    def __init__(self, work: Work, ended: Callable[[], None]) -> None:
        """`ended` is called in the event loop once the thread has nothing more to do."""
        self.work, self.ended = work, ended
        self.loop = asyncio.get_running_loop()
        self.lines: asyncio.Queue[Told | None] = asyncio.Queue()
        self.is_stopped = threading.Event()
        self.told = ("", -1.0)
        threading.Thread(target=self._run, name="calibration", daemon=True).start()

    async def __aiter__(self) -> AsyncIterator[Told]:
        """The lines; who stops listening stops the work."""
        try:
            while (line := await self.lines.get()) is not None:
                yield line
        finally:
            self.is_stopped.set()

    def _run(self) -> None:
        last: Told | None = None
        try:
            last = self.work(self._say)
        except Stopped:
            log.info("calibration stopped")
        except Exception as error:  # noqa: BLE001  # the listener must hear of it, whatever it is
            last = _failure(error)
        # First, for who hears the last line may ask for the next calibration at once.
        self._in_loop(self.ended)
        if last is not None:
            self._tell(last)
        self._tell(None)

    def _say(self, stage: str, fraction: float) -> None:
        if self.is_stopped.is_set():
            raise Stopped
        rounded = round(fraction, 2)
        if (stage, rounded) != self.told:
            self.told = stage, rounded
            self._tell({"stage": stage, "fraction": rounded})

    def _tell(self, line: Told | None) -> None:
        self._in_loop(self.lines.put_nowait, line)

    def _in_loop(self, call: Callable[..., None], *words: Any) -> None:
        try:
            self.loop.call_soon_threadsafe(call, *words)
        except RuntimeError:  # The service has ended meanwhile.
            self.is_stopped.set()


def _failure(error: Exception) -> Told:
    kind = KINDS.get(type(error), "internal")
    if kind == "internal":
        log.error("calibration failed", exc_info=error)
        return {"error": "the calibration failed; the log says how", "error_type": kind}
    return {"error": str(error), "error_type": kind}
