"""A fit in a thread of its own, reported line by line, and stopped when its listener leaves."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

from inference_server.encoding.callers import Gone
from inference_server.fitting.result import Say
from inference_server.http.errors import ERROR_TYPES, error_body

log = logging.getLogger("inference")
Line = dict[str, Any]
Work = Callable[[Say], Line]


class Stopped(Exception):
    """The listener has left."""


class FitJob:
    """Runs `work(say)` in a thread and yields its progress, then its result or its error.

    The event loop and the threads of a fit share `lines` and `is_stopped`. The queue belongs to the
    loop, and threads hand lines over by `call_soon_threadsafe`, which keeps their order; the other
    is an Event. `reported` is only touched by a thread that reports, and a fit that trains in
    several threads lets one report at a time (`fitting.model.Progress` holds a lock).
    """

    def __init__(
        self, work: Work, ended: Callable[[], None], left: Callable[[], None] = lambda: None
    ) -> None:
        """`ended` is called in the event loop once the thread has nothing more to do.

        `left` is called there once the listener has left, and may make the work raise Gone.
        """
        self.work, self.ended, self.left = work, ended, left
        self.loop = asyncio.get_running_loop()
        self.lines: asyncio.Queue[Line | None] = asyncio.Queue()
        self.is_stopped = threading.Event()
        self.reported = ("", -1.0)
        threading.Thread(target=self._run, name="calibration", daemon=True).start()

    async def __aiter__(self) -> AsyncIterator[Line]:
        """The lines; leaving the iteration early stops the work.

        When the client hangs up, Starlette cancels the task that sends the response. Either it
        waits in `get`, which raises here, or it waits in `send` and drops this generator, which the
        loop then closes: both run the `finally`. The thread sees the event at its next report of
        progress and ends, and only then is `ended` called: a new fit cannot start beside one that
        has yet to stop. Where the client has gone before the response begins, nothing iterates, and
        the fit runs to its end.
        """
        try:
            while (line := await self.lines.get()) is not None:
                yield line
        finally:
            self.is_stopped.set()
            self.left()

    def _run(self) -> None:
        last: Line | None = None
        try:
            last = self.work(self._say)
        except (Stopped, Gone):
            log.info("calibration stopped")
        except Exception as error:  # noqa: BLE001  # the listener must hear of it, whatever it is
            last = _failure(error)
        # Before the last line, because a client that reads it may ask for the next fit at once.
        self._in_loop(self.ended)
        if last is not None:
            self._send(last)
        self._send(None)

    def _say(self, stage: str, fraction: float) -> None:
        if self.is_stopped.is_set():
            raise Stopped
        progress = stage, round(fraction, 2)
        if progress != self.reported:
            self.reported = progress
            self._send({"stage": progress[0], "fraction": progress[1]})

    def _send(self, line: Line | None) -> None:
        self._in_loop(self.lines.put_nowait, line)

    def _in_loop(self, call: Callable[..., None], *arguments: Any) -> None:
        try:
            self.loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:  # The loop was closed: the service ended while the fit ran.
            self.is_stopped.set()


def _failure(error: Exception) -> Line:
    error_type = ERROR_TYPES.get(type(error), "internal")
    if error_type == "internal":
        log.error("calibration failed", exc_info=error)
        return error_body("the calibration failed; the log says how", error_type)
    return error_body(str(error), error_type)
