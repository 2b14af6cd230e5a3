"""The codes in exports by their Japanese names, for files with Japanese headings.

English files have the codes of REST, which programs read.
"""

from collections.abc import Sequence

from django.utils.translation import override

from scoring.models import Answer, Mark
from scoring.models.flags import name

NOT_ANSWERED, ABSENT = "not_answered", "absent"
MISSING = {NOT_ANSWERED: "無解答", ABSENT: "欠席"}


def status(code: str) -> str:
    """The status of an answer, or why there is none."""
    return MISSING.get(code) or _label(Answer.Status.choices, code)


def source(code: str | None) -> str | None:
    """Who gave a mark."""
    return _label(Mark.Source.choices, code) if code else code


def flags(codes: Sequence[str]) -> list[str]:
    """The flags of a mark."""
    with override("ja"):
        return [name(code) for code in codes]


def flag_counts(counts: dict[str, int]) -> dict[str, int]:
    """How many answers have each flag."""
    return dict(zip(flags(list(counts)), counts.values(), strict=True))


def _label(choices: Sequence[tuple[object, object]], code: str) -> str:
    with override("ja"):
        return str(dict(choices).get(code, code))
