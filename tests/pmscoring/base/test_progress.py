"""The progress bar: redrawn in place on a terminal, one line elsewhere."""

import io

from django.core.management.base import OutputWrapper

from pmscoring.base.progress import LINE, ProgressBar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_it_is_redrawn_in_place_and_ends_its_line() -> None:
    terminal = Terminal()
    bar = ProgressBar(OutputWrapper(terminal), "Q1")
    bar.show(0.25, "a long stage of the fit")
    bar.show(1.0, "ready", done=True)
    first, last = terminal.getvalue().removeprefix("\r").split("\r")
    assert first.startswith("Q1 [##########..............................] a long stage")
    assert last.startswith(f"Q1 [{'#' * 40}] ready 0 s")
    assert (len(first), last[-1]) == (LINE, "\n")


def test_elsewhere_it_is_one_line_once_the_work_is_done() -> None:
    file = io.StringIO()
    bar = ProgressBar(OutputWrapper(file), "Q1")
    bar.show(0.5, "1/2")
    assert file.getvalue() == ""
    bar.show(2.0, "2/2", done=True)
    assert file.getvalue() == f"Q1 [{'#' * 40}] 2/2 0 s\n"
