"""What is taken out of an exam: a further kind is an entry of EXPORTS.

REST, its OpenAPI document and the admin's buttons are made from the entries.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypedDict

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pmscoring.base.roles import MANAGER, SEES_CANDIDATES, VIEWER
from scoring.models import Exam
from scoring.results import history, rows, statistics
from scoring.results.formats import Format, Options, Parts, Written
from scoring.results.sheets import Table


class ExamResults(TypedDict):
    """A row a candidate and question, and a total a candidate."""

    exam: str
    results: list[rows.Result]
    totals: list[rows.Total]


class ExamMarks(TypedDict):
    """All marks of an exam's answers, in the order in which they were given."""

    exam: str
    marks: list[history.HistoryMark]


class ExamStatistics(TypedDict):
    """A row for each question, followed by one for each of its criteria."""

    exam: str
    statistics: list[statistics.Statistic]


@dataclass(frozen=True)
class Export:
    """One kind of data, as tables that every format can write.

    `name` is its address below the exam and its word in the audit log, `suffix` what its file is
    named beside the exam's code. `readers` are the roles that may have it. `read` begins to read
    at once, in the caller's time zone, and goes on as the chunks are asked for, so that an exam of
    any size takes the same memory. `shape`, `about` and `example` (its name and what follows
    `exam`) describe the JSON in the OpenAPI document, under `operation`.
    """

    name: str
    title: str | Promise
    suffix: str
    tables: tuple[Table, ...]
    read: Callable[[Exam], Parts]
    readers: tuple[str, ...]
    operation: str
    shape: type
    about: str
    example: tuple[str, dict[str, Any]]

    def write(self, exam: Exam, format: Format, options: Options | None = None) -> Written:
        """The exam's data in that format."""
        return format.write(exam.code, self.tables, self.read(exam), options or Options())

    def file_name(self, exam: Exam, format: Format) -> str:
        """As `PM-2026-marks.csv`; results bear the exam's code alone."""
        return f"{exam.code}{self.suffix}.{format.name}"


RESULTS = Export(
    name="results",
    title=_("Results"),
    suffix="",
    tables=(rows.RESULTS, rows.TOTALS),
    read=rows.parts,
    readers=SEES_CANDIDATES,
    operation="results",
    shape=ExamResults,
    about="""Read results, as JSON, CSV or XLSX.

    The latest attempt of each candidate. CSV is UTF-8 with BOM, or CP932; XLSX has a sheet of
    answers and a sheet of totals.
    """,
    example=("One answer", rows.EXAMPLE),
)
MARKS = Export(
    name="marks",
    title=_("Mark history"),
    suffix="-marks",
    tables=(history.HISTORY,),
    read=history.parts,
    readers=(MANAGER,),
    operation="marks_history",
    shape=ExamMarks,
    about="""Read every mark ever given, as JSON, CSV or XLSX.

    Withdrawn ones too; with candidates' and markers' names, hence for exam managers alone.
    """,
    example=("One mark", history.EXAMPLE),
)
STATISTICS = Export(
    name="statistics",
    title=_("Statistics"),
    suffix="-statistics",
    tables=(statistics.STATISTICS,),
    read=statistics.parts,
    readers=(MANAGER, VIEWER),
    operation="statistics",
    shape=ExamStatistics,
    about="""Read statistics of questions and criteria, as JSON, CSV or XLSX.

    Of final points, else of those that the machine suggests; no one is named.
    """,
    example=("A question and its criterion", statistics.EXAMPLE),
)
EXPORTS = {export.name: export for export in (RESULTS, MARKS, STATISTICS)}
