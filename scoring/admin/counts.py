"""Progress of an exam, question or batch: results that stand, statuses, work for people."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from pmscoring.base.admin import bars
from scoring.models import Answer

STATES = tuple(Answer.Status.values)
OPEN = (Answer.Review.QUEUED, Answer.Review.CLAIMED)
WORK: dict[str, dict[str, Any]] = {
    "final": {"final_points__isnull": False},
    "queued": {"review__in": OPEN},
    "disputed": {"review": Answer.Review.DISPUTED},
}
"""What is counted beside the statuses: results that stand, and the work that people have."""
WITHOUT_RESULT = {
    kind: {"status": state, "final_points__isnull": True}
    for kind, state in (("read", "scored"), ("failed_open", "failed"), ("scoring_open", "scoring"))
}
"""Answers without a result by status: people may have marked those that failed or wait again."""
NAMES = (*STATES, *WORK, *WITHOUT_RESULT)


def counted(what: str, lookups: Mapping[str, Any], path: str = "") -> Count:
    """The number of `what` for which the lookups hold on the answer that `path` leads to."""
    return Count(what, filter=Q(**{path + name: value for name, value in lookups.items()}))


def with_counts(rows: "QuerySet[Any]", answers: str) -> "QuerySet[Any]":
    """Annotate each row with its answers by status, and with the counts of WORK.

    `answers` is the lookup from the row to its answers.
    """
    lookups = {state: {"status": state} for state in STATES} | WORK | WITHOUT_RESULT
    counts = {
        name: counted(answers, {**each, "counts": True}, f"{answers}__")
        for name, each in lookups.items()
    }
    annotated: QuerySet[Any] = rows.annotate(**counts)
    return annotated


def counts(row: Any) -> dict[str, int]:
    """The counts of a row that `with_counts` annotated, by name."""
    return {name: getattr(row, name) for name in NAMES}


def total(by_name: Mapping[str, int]) -> int:
    """How many answers there are."""
    return sum(by_name[state] for state in STATES)


def share(part: int, whole: int) -> int:
    """Percentage rounded down, so that it is 100 only when nothing is left."""
    return part * 100 // whole if whole else 0


def bar(by_name: Mapping[str, int]) -> SafeString:
    """A progress bar of the results that stand: 100 % are final marks, not answers looked at.

    After them come, of the answers without a result, those that the machine has only read, failed
    ones, those in progress.
    """
    answers = total(by_name)
    if not answers:
        return format_html('<span class="pms-none">{}</span>', _("no answers"))
    title = _(
        "%(final)d of %(total)d have a result that stands; the machine has read %(scored)d,"
        " %(failed)d failed"
    )
    widths = {"final": by_name["final"], "read": by_name["read"]}
    widths |= {"failed": by_name["failed_open"], "scoring": by_name["scoring_open"]}
    parts = [(kind, 100 * count / answers) for kind, count in widths.items()]
    words = title % {**by_name, "total": answers}
    return bars.progress_bar(words, share(by_name["final"], answers), parts)


def live(row: Any, name: str) -> SafeString:
    """The bar of an annotated row, which the page fetches again until all answers are scored."""
    return bars.live(name, bar(counts(row)), alive=bool(row.waiting or row.scoring))
