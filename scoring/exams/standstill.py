"""Why scoring stands still: what a manager sees before anybody has to look for it.

The reasons are looked for only where something waits, for each look costs a query or a call.
"""

import shutil
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Count, Q, QuerySet
from django.utils.timezone import now
from django.utils.translation import gettext as _

from pmscoring.base import heartbeats
from pmscoring.base.roles import ADJUDICATOR, MARKER
from pmscoring.base.watched import Watched
from scoring.inference import Inference, InferenceError
from scoring.marks.settlement import MARKED_BY_PEOPLE
from scoring.models import Answer, Exam, Mark, MarkingPolicy, Reference, Standing
from scoring.models.people import Assignment
from scoring.models.reasons import in_words

QUEUE = "scoring"
ALIVE_SECONDS = 60
"""Within which a mark by the machine says that scoring goes on."""
QUIET_SECONDS = 120
"""Four heartbeats: a worker is away, or all that it does takes longer than it may."""
INFERENCE_SECONDS = 1.0


def _inference_is_there() -> bool:
    try:
        return bool(Inference.from_settings().health(INFERENCE_SECONDS).get("model_loaded"))
    except InferenceError:
        return False


INFERENCE = Watched(_inference_is_there, fresh_seconds=5.0)


def reasons() -> list[str]:
    """Each reason why answers that wait for the machine or for people go on waiting."""
    waiting = Answer.objects.filter(status__in=(Answer.Status.WAITING, Answer.Status.SCORING))
    machine = [] if _goes_on() or not waiting.exists() else list(_of_the_machine(waiting))
    return [*machine, *_of_people()]


def _goes_on() -> bool:
    since = now() - timedelta(seconds=ALIVE_SECONDS)
    return Mark.objects.by_machine().filter(created_at__gte=since).exists()


def _of_the_machine(waiting: "QuerySet[Answer]") -> Iterator[str]:
    count = waiting.count()
    causes = []
    if not INFERENCE.look().result():
        causes.append(_("the inference service does not answer, or is not ready"))
    if _worker_is_away():
        causes.append(_("there is no sign of life of the workers that score"))
    if _disk_is_full():
        causes.append(_("the disk is nearly full"))
    # What a worker wrote when it put answers off, where nothing else explains it.
    put_off = waiting.exclude(reason="").order_by("-not_before").values_list("reason", flat=True)
    for cause in causes or map(in_words, put_off[:1]):
        words = {"count": count, "cause": cause}
        yield _("Scoring stands still: %(cause)s. Answers that wait: %(count)d.") % words


def _disk_is_full() -> bool:
    folder = Path(settings.VAR_DIR)
    return folder.exists() and shutil.disk_usage(folder).free < settings.DISK_RESERVE_BYTES


def _worker_is_away() -> bool:
    """Whether the queue's worker was heard, and is not any more."""
    last = heartbeats.read().get(QUEUE)
    return last is None or time.time() - last > QUIET_SECONDS


def _of_people() -> Iterator[str]:
    for exam in Exam.objects.filter(status__in=MARKED_BY_PEOPLE).select_related("policy"):
        answers = Answer.objects.filter(question__exam=exam)
        queued = answers.filter(review=Answer.Review.QUEUED).count()
        if queued and (cause := _nobody_marks(exam)):
            yield _waits(exam, cause, queued)
        elif left := _unassigned(exam):
            cause = _("nobody is assigned to %s") % ", ".join(sorted(left))
            yield _waits(exam, cause, sum(left.values()))
        disputed = answers.filter(review=Answer.Review.DISPUTED).count()
        if disputed and not _active(ADJUDICATOR).exists():
            yield _waits(exam, _("nobody has the role adjudicator"), disputed)


def _waits(exam: Exam, cause: str, count: int) -> str:
    words = {"exam": exam.code, "cause": cause, "count": count}
    return _("%(exam)s waits for people: %(cause)s. Answers that wait: %(count)d.") % words


def _nobody_marks(exam: Exam) -> str:
    """Why no marker takes answers from the exam's queue, "" where some can."""
    markers = _active(MARKER)
    if not markers.exists():
        return _("nobody has the role marker")
    assigned = Assignment.objects.filter(exam=exam)
    if assigned.exists():
        markers = markers.filter(pk__in=assigned.values("marker"))
        if not markers.exists():
            return _("the markers who are assigned to it no longer mark")
    if MarkingPolicy.of(exam).marker_bound is None:
        return ""
    standings = Standing.objects.filter(exam=exam)
    suspended = standings.filter(status=Standing.Status.SUSPENDED)
    if not markers.exclude(pk__in=suspended.values("marker")).exists():
        return _("the marking of every marker is suspended")
    qualified = standings.filter(status=Standing.Status.QUALIFIED, marker__in=markers)
    references = Reference.objects.filter(answer__question__exam=exam, qualifies=True)
    references = references.filter(answer__counts=True)
    if not qualified.exists() and not references.exists():
        return _("markers must qualify first, and no reference answers are chosen")
    return ""


def _unassigned(exam: Exam) -> dict[str, int]:
    """By code, the queued answers of questions that no active marker is assigned to."""
    parts = Assignment.objects.filter(exam=exam)
    if not parts.exists():
        return {}
    manned = parts.filter(marker__in=_active(MARKER))
    if manned.filter(question=None).exists():
        return {}
    queued = Answer.objects.filter(question__exam=exam, review=Answer.Review.QUEUED)
    rows = queued.exclude(question__in=manned.values("question")).order_by()
    return dict(rows.values_list("question__code").annotate(Count("pk")))


def _active(*roles: str) -> "QuerySet[User]":
    return User.objects.filter(Q(groups__name__in=roles), is_active=True).distinct()
