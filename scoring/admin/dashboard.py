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
from scoring.exams import standstill
from scoring.models import Answer, Submission
from scoring.models.people import readable, readable_exams

MOST_EXAMS = 20
Tally = Counter[tuple[int, str]]


def read(request: HttpRequest) -> dict[str, Any]:
    """The context of scoring/dashboard.html: answers by status, and the newest exams."""
    tally = _tally(request)
    sees_all = has_role(request.user, MANAGER, VIEWER)
    tiles = _tiles(tally)
    return {
        "tiles": tiles,
        "alive": any(tile["count"] for tile in tiles[:2]),  # waiting or being scored
        "exams": _exams(request, tally, with_links=sees_all),
        "may_manage": has_role(request.user, MANAGER),
        "reasons": standstill.reasons() if sees_all else [],
    }


def _tally(request: HttpRequest) -> Tally:
    """Answers by exam and status, and by exam and kind of work, in one query for the page."""
    lookups = {**counts.WORK, **counts.WITHOUT_RESULT}
    work = {name: counts.counted("pk", each) for name, each in lookups.items()}
    answers = readable(Answer.objects.order_by(), request.user)
    rows: Any = answers.values("question__exam", "status")
    tally: Tally = Counter()
    for row in rows.annotate(all=Count("pk"), **work):
        exam = row["question__exam"]
        tally[exam, row["status"]] += row["all"]
        for name in work:
            tally[exam, name] += row[name]
    return tally


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
            "counts": (by_name := {name: tally[exam.pk, name] for name in counts.NAMES}),
            "bar": counts.bar(by_name),
        }
        for exam in rows[:MOST_EXAMS]
    ]


overview.register(
    overview.Panel("scoring/dashboard.html", read, (MANAGER, VIEWER, MARKER, ADJUDICATOR), 10)
)
