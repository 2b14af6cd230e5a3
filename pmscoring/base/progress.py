"""How far work is: what long work calls meanwhile, and the progress bar of all commands."""

import time
from collections.abc import Callable

from django.core.management.base import OutputWrapper

WIDTH = 40
LINE = 79
Say = Callable[[float, str], object]
"""Called by long work with the fraction that is done, 0 to 1, and a word on where it is."""
Alive = Callable[[], object]
"""Called by long work every few seconds; what it raises ends the work."""


class ProgressBar:
    """Redrawn in place on a terminal; elsewhere a single line, once the work is done.

    `output` is a command's stdout; or its stderr, where stdout carries the result.
    """

    def __init__(self, output: OutputWrapper, label: str) -> None:
        self.output, self.label = output, label
        self.began = time.monotonic()

    def show(self, fraction: float, note: str, *, done: bool = False) -> None:
        """Show `fraction` (0 to 1) with a note such as "12/40"; the last call says it is done."""
        filled = round(WIDTH * min(max(fraction, 0.0), 1.0))
        seconds = time.monotonic() - self.began
        bar = "#" * filled + "." * (WIDTH - filled)
        line = f"{self.label} [{bar}] {note} {seconds:.0f} s"
        if self.output.isatty():
            self.output.write(f"\r{line:<{LINE}}", ending="\n" if done else "")
        elif done:
            self.output.write(line)
        self.output.flush()
