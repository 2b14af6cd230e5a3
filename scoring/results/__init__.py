"""What is taken out of an exam as rows, JSON, CSV and XLSX: results, mark history, statistics."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO

from scoring.models import Exam
from scoring.results import files, history, statistics
from scoring.results.files import as_csv, as_json, as_xlsx
from scoring.results.history import HistoryMark
from scoring.results.rows import Result, Total, candidates
from scoring.results.sheets import HEADERS
from scoring.results.statistics import Statistic


@dataclass(frozen=True)
class Export:
    """One kind of it; `name` is part of the file's name."""

    name: str
    as_json: Callable[[Exam], Iterator[bytes]]
    as_csv: Callable[[Exam, str, str], Iterator[bytes]]
    as_xlsx: Callable[[Exam, str], IO[bytes]]

    def file_name(self, exam: Exam, ending: str) -> str:
        """As `PM-2026-marks.csv`; results bear the exam's code alone."""
        return f"{exam.code}-{self.name}.{ending}" if self.name else f"{exam.code}.{ending}"


RESULTS = Export("", files.as_json, files.as_csv, files.as_xlsx)
MARKS = Export("marks", history.as_json, history.as_csv, history.as_xlsx)
STATISTICS = Export("statistics", statistics.as_json, statistics.as_csv, statistics.as_xlsx)
__all__ = [
    "HEADERS",
    "MARKS",
    "RESULTS",
    "STATISTICS",
    "Export",
    "HistoryMark",
    "Result",
    "Statistic",
    "Total",
    "as_csv",
    "as_json",
    "as_xlsx",
    "candidates",
]
