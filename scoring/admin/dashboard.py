"""Scoring's panel on the overview page: answers by status, and the progress of each exam."""

from collections import Counter
from typing import Any

from django.db.models import Count
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from pmscoring.base.admin import overview
from pmscoring.base.admin.classes import counted
from pmscoring.base.roles import ADJUDICATOR, MANAGER, MARKER, VIEWER, has_role
from scoring.admin import colours, counts
from scoring.models import Answer, Submission
from scoring.models.people import readable, readable_exams

MOST_EXAMS = 20
Tally = Counter[tuple[int, str]]


def read(request: HttpRequest) -> dict[str, Any]:
    """The context of scoring/dashboard.html: answers by status, and the newest exams."""
    tally = _tally(request)
    tiles = _tiles(tally)
    return {
        "tiles": tiles,
        "alive": any(tile["count"] for tile in tiles[:2]),  # waiting or being scored
        "exams": _exams(request, tally, with_links=has_role(request.user, MANAGER, VIEWER)),
        "may_manage": has_role(request.user, MANAGER),
    }


def _tally(request: HttpRequest) -> Tally:
    """Answers by exam and status, in one query for all tiles and exams."""
    answers = readable(Answer.objects.order_by(), request.user)
    rows = answers.values_list("question__exam", "status").annotate(Count("pk"))
    return Counter({(exam, status): count for exam, status, count in rows})


def _tiles(tally: Tally) -> list[dict[str, Any]]:
    names = {
        "waiting": _("answers waiting"),
        "scoring": _("answers being scored"),
        "scored": _("answers scored"),
        "failed": _("answers failed"),
    }
    answers = reverse("admin:scoring_answer_changelist")
    by_status: Counter[str] = Counter()
    for (_exam, status), count in tally.items():
        by_status[status] += count
    return [
        {
            "name": names[state],
            "count": by_status[state],
            "link": f"{answers}?status__exact={state}",
            "bad": state == "failed" and by_status[state],
        }
        for state in counts.STATES
    ]


def _exams(request: HttpRequest, tally: Tally, with_links: bool) -> list[dict[str, Any]]:
    exams = readable_exams(request.user)
    rows = exams.annotate(submission_count=counted(Submission.objects.all(), "exam"))
    answers = reverse("admin:scoring_answer_changelist")
    return [
        {
            "exam": exam,
            "link": reverse("admin:scoring_exam_change", args=[exam.pk]) if with_links else "",
            "answers": f"{answers}?question__exam__id__exact={exam.pk}",
            "colour": colours.EXAM[exam.status],
            "counts": (by_status := {state: tally[exam.pk, state] for state in counts.STATES}),
            "bar": counts.bar(by_status),
        }
        for exam in rows[:MOST_EXAMS]
    ]


overview.register(
    overview.Panel("scoring/dashboard.html", read, (MANAGER, VIEWER, MARKER, ADJUDICATOR), 10)
)
