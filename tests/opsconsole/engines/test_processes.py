"""Lines of the logs of processes, and the times that they carry."""

from pathlib import Path

from opsconsole.engines import processes


def test_digits_that_are_no_time_leave_the_line_that_of_the_one_before(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.write_text("2026-11-29 01:02:03 ready\nno time: 2026-13-45T99:00:00\n")
    (first, _), (second, text) = processes.lines(log, 10, None)
    assert second == first
    assert text == "no time: 2026-13-45T99:00:00"
