"""Nouns as the API shows them."""

from typing import Any

from django.db.models import Count

from scoring.models import Answer, Batch, Exam, Mark, Submission, Upload
from scoring.models.exams import number


def exam(one: Exam) -> dict[str, Any]:
    """An exam in a list."""
    return {"code": one.code, "title": one.title, "language": one.language, "state": one.status}


def mark(one: Mark) -> dict[str, Any]:
    """A mark with its evidence."""
    return {
        "id": one.pk,
        "source": one.source,
        "points": number(one.points),
        "criteria": one.criteria,
        "flags": one.flags,
        "confidence": one.confidence,
        "model": one.model,
        "calibration": one.calibration or None,
        "comment": one.comment,
        "created_at": one.created_at.isoformat(),
    }


def answer(one: Answer, candidate: bool = True) -> dict[str, Any]:
    """An answer with its marks; the candidate is left out for markers."""
    told = {
        "id": one.pk,
        "submission": one.submission_id,
        "exam": one.submission.exam.code,
        "question": one.question.code,
        "text": one.text,
        "status": one.status,
        "review": one.review,
        "reason": one.reason,
        "flags": one.flags,
        "final": one.final_points
        and {"points": number(one.final_points), "source": one.final_source},
        "marks": [mark(each) for each in one.marks.all()],
    }
    return {**told, "candidate": one.submission.candidate} if candidate else told


def submission(one: Submission) -> dict[str, Any]:
    """A submission with its answers."""
    answers = one.answers.select_related("submission__exam", "question").prefetch_related("marks")
    return {
        "id": one.pk,
        "exam": one.exam.code,
        "candidate": one.candidate,
        "attempt": one.attempt,
        "absent": one.absent,
        "batch": one.batch_id,
        "links": {"self": f"/api/v1/submissions/{one.pk}"},
        "answers": [answer(each) for each in answers.order_by("pk")],
    }


def batch(one: Batch) -> dict[str, Any]:
    """Counts by state, answers a second, and seconds left at that rate."""
    answers = Answer.objects.filter(submission__batch=one)
    found = answers.order_by().values_list("status").annotate(Count("pk"))
    counts = {str(status): 0 for status in Answer.Status} | dict(found)
    last = Mark.objects.filter(answer__submission__batch=one, source="machine").order_by("-pk")
    ended = last.values_list("created_at", flat=True).first()
    seconds = (ended - one.created_at).total_seconds() if ended else 0.0
    rate = counts["scored"] / seconds if seconds else 0.0
    open_answers = counts["waiting"] + counts["scoring"]
    return {
        "id": one.pk,
        "accepted": one.accepted,
        "rejected": one.rejected,
        "answers": counts,
        "rate": round(rate, 2),
        "seconds_left": round(open_answers / rate, 1) if rate else None,
    }


def upload(one: Upload) -> dict[str, Any]:
    """What became of a file."""
    return {
        "id": one.pk,
        "exam": one.exam.code,
        "name": one.name,
        "status": one.status,
        "accepted": one.accepted,
        "rejected": one.rejections,
        "batch": one.batch_id,
    }
