"""An exam's results, mark history and statistics, as rows and as JSON, CSV and XLSX files."""

from scoring.results.exports import EXPORTS, MARKS, RESULTS, STATISTICS, Export
from scoring.results.formats import ENCODINGS, FORMATS, Button, Format, Options
from scoring.results.history import HistoryMark
from scoring.results.rows import Result, Total, candidates
from scoring.results.sheets import HEADERS
from scoring.results.statistics import Statistic

__all__ = [
    "ENCODINGS",
    "EXPORTS",
    "FORMATS",
    "HEADERS",
    "MARKS",
    "RESULTS",
    "STATISTICS",
    "Button",
    "Export",
    "Format",
    "HistoryMark",
    "Options",
    "Result",
    "Statistic",
    "Total",
    "candidates",
]
