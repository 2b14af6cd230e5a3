"""Who marks what, comments that are used again, and notes on criteria."""

from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from pmscoring.base.lifecycle import Lifecycle
from pmscoring.base.roles import ADJUDICATOR, CLIENT, MANAGER, MARKER, VIEWER, has_role
from scoring.models.answers import Answer
from scoring.models.exams import Exam, Question

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

MOST_COMMENT, MOST_NOTE = 1000, 2000
"""Characters of a reusable comment, and of a note or its reply."""


class Assignment(models.Model):
    """A marker's part of an exam: one question, or all of them where `question` is null.

    An exam without assignments is open to every marker; docs/review.md has the rules.
    """

    exam = models.ForeignKey(
        Exam, models.CASCADE, related_name="assignments", verbose_name=_("exam")
    )
    marker = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("marker")
    )
    question = models.ForeignKey(
        Question,
        models.CASCADE,
        null=True,
        related_name="assignments",
        verbose_name=_("question"),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["exam", "marker", "question"],
                name="assigned_once",
                nulls_distinct=False,
            )
        ]
        verbose_name = _("assignment")
        verbose_name_plural = _("assignments")

    def __str__(self) -> str:
        return f"{self.exam_id} {self.marker_id}"


def is_bound(user: "User | AnonymousUser") -> bool:
    """Whether assignments bind the user: a marker who neither manages exams nor adjudicates."""
    return has_role(user, MARKER) and not has_role(user, ADJUDICATOR, MANAGER)


def questions_to_mark(user: "User | AnonymousUser") -> "models.QuerySet[Question]":
    """The questions of all exams that the user's assignments allow them to mark."""
    if not is_bound(user):
        return Question.objects.all()
    of_exam = Assignment.objects.filter(exam=OuterRef("exam"))
    own = of_exam.filter(Q(question=None) | Q(question=OuterRef("pk")), marker=user.pk)
    return Question.objects.filter(~Exists(of_exam) | Exists(own))


def may_mark(question: Question, user: "User | AnonymousUser") -> bool:
    """Whether the user's assignments allow them to mark the question."""
    return questions_to_mark(user).filter(pk=question.pk).exists()


def in_part(rows: "models.QuerySet[Any]", user: "User | AnonymousUser", question: str) -> Any:
    """Those of the rows whose question, by the lookup `question`, the user may mark."""
    if not is_bound(user):
        return rows
    return rows.filter(**{f"{question}__in": questions_to_mark(user)})


def may_read_all(user: "User | AnonymousUser") -> bool:
    """Whether the user may read the answers of every exam, whether assigned to it or not."""
    return not is_bound(user) or has_role(user, VIEWER, CLIENT)


def readable(answers: "models.QuerySet[Answer]", user: "User | AnonymousUser") -> Any:
    """Those of the answers that the user may read."""
    return answers if may_read_all(user) else answers.filter(question__in=questions_to_mark(user))


def readable_exams(user: "User | AnonymousUser") -> "models.QuerySet[Exam]":
    """The exams of which the user may read an answer."""
    if may_read_all(user):
        return Exam.objects.all()
    return Exam.objects.filter(pk__in=questions_to_mark(user).values("exam"))


class SavedCommentQuerySet(models.QuerySet["SavedComment"]):
    """Filters by who may use a comment, and where."""

    def usable_by(self, user: "User") -> Self:
        """The user's own, and those that others share for what the user may mark."""
        shared = Q(is_shared=True)
        if is_bound(user):
            part = questions_to_mark(user)
            of_part = Q(question__in=part) | Q(question=None, exam__in=part.values("exam"))
            shared &= of_part
        return self.filter(Q(author=user) | shared)

    def for_question(self, question: Question) -> Self:
        """Those for the question, and those for its whole exam."""
        return self.filter(Q(question=question) | Q(question=None), exam=question.exam_id)


class SavedComment(models.Model):
    """A comment that its author, or every marker of the exam where it is shared, uses again.

    It is for one question, or for the whole exam where `question` is null.
    """

    exam = models.ForeignKey(
        Exam, models.CASCADE, related_name="saved_comments", verbose_name=_("exam")
    )
    question = models.ForeignKey(
        Question, models.CASCADE, null=True, related_name="+", verbose_name=_("question")
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("author")
    )
    text = models.CharField(_("text"), max_length=MOST_COMMENT)
    is_shared = models.BooleanField(_("shared"), default=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = SavedCommentQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["exam", "question", "author", "text"],
                name="comment_saved_once",
                nulls_distinct=False,
            )
        ]
        verbose_name = _("saved comment")
        verbose_name_plural = _("saved comments")

    def __str__(self) -> str:
        return self.text[:40]


class RubricNote(Lifecycle):
    """A marker's note to the managers about a criterion, or about a whole question.

    `criterion` is the code, as definitions may replace the row; `answer` is the one that was on the
    desk, with which the note is deleted.
    """

    class Status(models.TextChoices):
        OPEN = "open", _("open")
        DONE = "done", _("done")

    FLOW = {"open": ("open", "done"), "done": ("open", "done")}

    question = models.ForeignKey(
        Question, models.CASCADE, related_name="notes", verbose_name=_("question")
    )
    criterion = models.CharField(_("criterion"), max_length=32, blank=True)
    answer = models.ForeignKey(
        Answer, models.CASCADE, null=True, related_name="+", verbose_name=_("answer")
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("author")
    )
    text = models.TextField(_("text"))
    status = models.CharField(_("state"), max_length=4, choices=Status, default=Status.OPEN)
    reply = models.TextField(_("reply"), blank=True)
    replied_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("replied by"),
    )
    replied_at = models.DateTimeField(_("replied"), null=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        ordering = ["status", "-pk"]
        indexes = [models.Index(fields=["question", "status"], name="notes_of_question")]
        verbose_name = _("note on the rubric")
        verbose_name_plural = _("notes on the rubric")

    def __str__(self) -> str:
        return f"#{self.pk}"
