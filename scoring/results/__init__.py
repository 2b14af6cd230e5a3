"""Results of an exam, as rows and totals and as JSON, CSV and XLSX files."""

from scoring.results.files import HEADERS, as_csv, as_json, as_xlsx
from scoring.results.rows import Result, Total, candidates

__all__ = ["HEADERS", "Result", "Total", "as_csv", "as_json", "as_xlsx", "candidates"]
