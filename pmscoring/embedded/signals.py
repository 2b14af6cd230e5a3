"""A signal to stop becomes an exception in the main thread."""

import signal
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_received: list[signal.Signals] = []


class StopRequested(BaseException):
    """A signal asks the process to stop; the message is the signal's name."""


def listen_to_signals() -> None:
    """From now on a signal to stop raises StopRequested; SIGHUP stays ignored under nohup."""
    for signum in STOP_SIGNALS:
        if signum != signal.SIGHUP or signal.getsignal(signum) != signal.SIG_IGN:
            signal.signal(signum, _on_signal)


def ignore_signals() -> None:
    """From now on no signal to stop counts: what is under way is stopping already."""
    for signum in STOP_SIGNALS:
        signal.signal(signum, signal.SIG_IGN)


def raise_if_stop_requested() -> None:
    """Raise StopRequested if a signal to stop has ever come.

    The handler's own exception is lost when the signal comes while an object is finalized, as a
    connection is after every call: Python only prints what a finalizer raises.
    """
    if _received:
        raise StopRequested(_received[0].name)


def _on_signal(signum: int, frame: FrameType | None) -> None:
    _received.append(signal.Signals(signum))
    raise_if_stop_requested()
