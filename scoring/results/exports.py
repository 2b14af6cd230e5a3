"""The exports of an exam. A new kind of export is one more entry of EXPORTS.

The REST views, their OpenAPI document and the admin's buttons are made from these entries.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypedDict

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pmscoring.base.roles import MANAGER, SEES_CANDIDATES, VIEWER
from scoring.models import Exam
from scoring.results import history, rows, statistics
from scoring.results.formats import Chunks, Content, Format, Options
from scoring.results.sheets import Table


class ExamResults(TypedDict):
    """A row for each candidate and question, and a total for each candidate."""

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
    """One kind of data about an exam, as tables that every format can write.

    `name` is the last part of its URL and its key in the audit log; `suffix` follows the exam's
    code in the names of its files. `readers` are the roles that may read it. `read` takes the time
    zone when it is called, and reads the rows as its chunks are iterated, so that the memory does
    not grow with the exam. `operation`, `shape`, `about` and `example` (a name, and the members
    beside `exam`) describe the JSON in the OpenAPI document.
    """

    name: str
    title: str | Promise
    suffix: str
    tables: tuple[Table, ...]
    read: Callable[[Exam], Chunks]
    readers: tuple[str, ...]
    operation: str
    shape: type
    about: str
    example: tuple[str, dict[str, Any]]

    def write(self, exam: Exam, file_format: Format, options: Options | None = None) -> Content:
        """The content of a file in this format; Options() by default."""
        return file_format.write(exam.code, self.tables, self.read(exam), options or Options())

    def file_name(self, exam: Exam, file_format: Format) -> str:
        """For example `PM-2026-marks.csv`; results have no suffix: `PM-2026.csv`."""
        return f"{exam.code}{self.suffix}.{file_format.name}"


RESULTS = Export(
    name="results",
    title=_("Results"),
    suffix="",
    tables=(rows.RESULTS, rows.TOTALS),
    read=rows.chunks,
    readers=SEES_CANDIDATES,
    operation="results",
    shape=ExamResults,
    about="""Read results, as JSON, CSV or XLSX.

    Only the latest attempt of each candidate counts. CSV is UTF-8 with BOM, or CP932; XLSX has a
    sheet of answers and a sheet of totals.
    """,
    example=("One answer", rows.EXAMPLE),
)
MARKS = Export(
    name="marks",
    title=_("Mark history"),
    suffix="-marks",
    tables=(history.HISTORY,),
    read=history.chunks,
    readers=(MANAGER,),
    operation="marks_history",
    shape=ExamMarks,
    about="""Read all marks, the withdrawn ones too, as JSON, CSV or XLSX.

    Only exam managers may read them, because they name candidates and markers.
    """,
    example=("One mark", history.EXAMPLE),
)
STATISTICS = Export(
    name="statistics",
    title=_("Statistics"),
    suffix="-statistics",
    tables=(statistics.STATISTICS,),
    read=statistics.chunks,
    readers=(MANAGER, VIEWER),
    operation="statistics",
    shape=ExamStatistics,
    about="""Read statistics of questions and criteria, as JSON, CSV or XLSX.

    They are computed from the final points or, where there are none, from the points that the
    machine suggests. Nobody is named in them.
    """,
    example=("A question and its criterion", statistics.EXAMPLE),
)
EXPORTS = {export.name: export for export in (RESULTS, MARKS, STATISTICS)}
