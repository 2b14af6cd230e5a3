"""Progress of scoring: the answers of an exam, question or batch counted by status."""

from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from pmscoring.base.admin import bars
from scoring.models import Answer

STATES = tuple(Answer.Status.values)


def with_counts(rows: "QuerySet[Any]", answers: str) -> "QuerySet[Any]":
    """Annotate each row with `waiting`, `scoring`, `scored` and `failed`: its answers by status.

    `answers` is the lookup from the row to its answers.
    """
    counts = {state: Count(answers, filter=Q(**{f"{answers}__status": state})) for state in STATES}
    counted: QuerySet[Any] = rows.annotate(**counts)
    return counted


def counts(row: Any) -> dict[str, int]:
    """The counts of a row that `with_counts` annotated, by status."""
    return {state: getattr(row, state) for state in STATES}


def share(part: int, whole: int) -> int:
    """Percentage rounded down, so that it is 100 only when nothing is left."""
    return part * 100 // whole if whole else 0


def bar(by_status: dict[str, int]) -> SafeString:
    """A progress bar of the scored answers, followed by the failed ones and those in progress."""
    total = sum(by_status.values())
    if not total:
        return format_html('<span class="pms-none">{}</span>', _("no answers"))
    title = _("%(scored)d of %(total)d scored, %(failed)d failed") % {**by_status, "total": total}
    parts = [(state, 100 * by_status[state] / total) for state in ("scored", "failed", "scoring")]
    return bars.progress_bar(title, share(by_status["scored"], total), parts)


def live(row: Any, name: str) -> SafeString:
    """The bar of an annotated row, which the page fetches again until all answers are scored."""
    return bars.live(name, bar(counts(row)), alive=bool(row.waiting or row.scoring))
