"""Notes on the rubric: a marker tells the managers what is unclear, and reads what they reply."""

from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from pmscoring.base.audit import record
from pmscoring.base.faults import Invalid, fault
from pmscoring.base.lifecycle import ChangedMeanwhile
from pmscoring.base.roles import MANAGER, has_role
from scoring.models import Answer, Exam, Question, RubricNote
from scoring.models.people import MOST_NOTE, questions_to_mark
from scoring.review.assignments import require_assigned
from scoring.review.comments import checked_text

if TYPE_CHECKING:
    from django.db.models import QuerySet

Status = RubricNote.Status


def visible(user: User, exam: Exam | None = None) -> "QuerySet[RubricNote]":
    """Every note for managers; for others their own, and the answered ones of their questions.

    An answered note is a decision on the rubric, which all who mark the question need.
    """
    rows = RubricNote.objects.select_related("question__exam", "author", "replied_by")
    if exam is not None:
        rows = rows.filter(question__exam=exam)
    if has_role(user, MANAGER):
        return rows
    answered = rows.exclude(reply="").filter(question__in=questions_to_mark(user))
    return rows.filter(author=user) | answered


def write(
    question: Question, author: User, text: Any, criterion: Any = "", answer: Answer | None = None
) -> RubricNote:
    """A new note; `criterion` is a code, or "" for the question as a whole.

    Raises Invalid with the pointers /text and /criterion, or NotAssigned.
    """
    require_assigned(question, author)
    codes = ["", *question.criteria.values_list("code", flat=True)]
    if criterion not in codes:
        raise Invalid([fault("/criterion", _("there is no such criterion"))])
    return RubricNote.objects.create(
        question=question,
        author=author,
        text=checked_text(text, MOST_NOTE),
        criterion=criterion,
        answer=answer,
    )


@transaction.atomic
def reply(
    note: RubricNote, manager: User, text: Any, is_done: Any = True, shown: str | None = None
) -> None:
    """Answer the note, and close or reopen it; an empty text leaves the reply as it is.

    `shown` is the reply upon which the manager decided. Raises Invalid with the pointers /reply and
    /done, and ChangedMeanwhile where somebody else has replied since.
    """
    if not isinstance(is_done, bool):
        raise Invalid([fault("/done", _("true or false is expected"))])
    changes: dict[str, Any] = {}
    if text != "":
        changes["reply"] = checked_text(text, MOST_NOTE, "/reply")
        changes |= {"replied_by": manager, "replied_at": now()}
    # Two managers answer one note at once: the second waits here, and is told of the first's reply.
    now_there = RubricNote.objects.select_for_update(no_key=True).get(pk=note.pk).reply
    if shown is not None and _lines(shown) != _lines(now_there):
        raise ChangedMeanwhile(_("Somebody else has replied meanwhile: “%s”") % now_there)
    note.become(Status.DONE if is_done else Status.OPEN, **changes)
    record("note answered", manager, note=note.pk, status=note.status)


def _lines(text: str) -> list[str]:
    """The text by lines, as browsers send other line breaks than are stored."""
    return text.splitlines()
