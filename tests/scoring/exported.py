"""Exports as files, read whole."""

from typing import IO, Any, cast

from scoring.models import Exam
from scoring.results import FORMATS, RESULTS, Export, Options


def as_json(exam: Exam, export: Export = RESULTS) -> bytes:
    """The document."""
    return b"".join(cast(Any, export.write(exam, FORMATS["json"])))


def as_csv(exam: Exam, encoding: str, export: Export = RESULTS, headers: str = "en") -> bytes:
    """The file, in that encoding."""
    return b"".join(cast(Any, export.write(exam, FORMATS["csv"], Options(encoding, headers))))


def as_xlsx(exam: Exam, export: Export = RESULTS, headers: str = "en") -> IO[bytes]:
    """The open file."""
    return cast(IO[bytes], export.write(exam, FORMATS["xlsx"], Options(headers=headers)))
