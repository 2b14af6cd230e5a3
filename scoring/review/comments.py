"""Comments that markers use again, for a question or a whole exam: their own, and shared ones."""

from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from pmscoring.base import texts
from pmscoring.base.audit import record
from pmscoring.base.faults import Invalid, fault
from pmscoring.base.roles import MANAGER, has_role
from pmscoring.base.words import worded
from scoring.models import Exam, Question, SavedComment
from scoring.models.people import MOST_COMMENT
from scoring.review.assignments import assigned, require_assigned

if TYPE_CHECKING:
    from django.db.models import QuerySet

MOST_SAVED = 200
"""Comments of one author in an exam."""


def usable(exam: Exam, user: User, question: Question | None = None) -> "QuerySet[SavedComment]":
    """The user's own comments and the shared ones, of the exam or those that fit the question."""
    rows = SavedComment.objects.usable_by(user).filter(exam=exam)
    if question:
        rows = rows.for_question(question)
    return rows.select_related("question", "author")


def save(
    exam: Exam, author: User, text: Any, question: Question | None = None, is_shared: Any = False
) -> SavedComment:
    """Keep the comment; the same again changes only whether it is shared.

    Raises Invalid with the pointers /text and /shared, or NotAssigned.
    """
    if question is not None:
        require_assigned(question, author)
    else:
        assigned(exam, author)
    if not isinstance(is_shared, bool):
        raise Invalid([fault("/shared", _("true or false is expected"))])
    kept = checked_text(text, MOST_COMMENT)
    own = SavedComment.objects.filter(exam=exam, author=author)
    if own.count() >= MOST_SAVED and not own.filter(question=question, text=kept).exists():
        words = {"most": MOST_SAVED}
        raise Invalid([fault("/text", _("you have saved %(most)d comments already") % words)])
    # The same comment sent twice at once is inserted once: `update_or_create` reads the row of the
    # other request where the unique constraint refuses the second.
    comment, _created = SavedComment.objects.update_or_create(
        exam=exam,
        question=question,
        author=author,
        text=kept,
        defaults={"is_shared": is_shared},
    )
    return comment


def delete(comment: SavedComment, user: User) -> None:
    """Delete one of the user's own, or any shared one as a manager; raises PermissionDenied."""
    if comment.author_id != user.pk and not (comment.is_shared and has_role(user, MANAGER)):
        raise PermissionDenied
    record("comment deleted", user, comment=comment.pk)
    comment.delete()


def checked_text(text: Any, most: int, pointer: str = "/text") -> str:
    """The text without white space around it; raises Invalid where it is none or too long."""
    kept = text.replace("\r\n", "\n").strip() if isinstance(text, str) else ""
    if not kept or len(kept) > most:
        words = _("a text of 1 to %(most)d characters is expected") % {"most": most}
        raise Invalid([fault(pointer, words)])
    if reason := texts.refused_character(kept):
        raise Invalid([fault(pointer, worded(reason))])
    return kept
