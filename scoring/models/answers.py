"""Submissions and their answers; answers with status `waiting` are the machine's work queue."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models.functions import Length
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from pmscoring.base.lifecycle import Lifecycle
from scoring.models.exams import Exam, Question
from scoring.models.locks import lock_answers
from scoring.models.reasons import in_words
from scoring.models.withdrawals import Withdrawal

LONG = 8_000
"""Code points from which on a text is long: several times an essay of the examination."""


class Batch(models.Model):
    """Submissions that arrived together."""

    exam = models.ForeignKey(
        Exam, models.CASCADE, null=True, related_name="batches", verbose_name=_("exam")
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    accepted = models.PositiveIntegerField(_("accepted"), default=0)
    rejected = models.PositiveIntegerField(_("rejected"), default=0)

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("batch")
        verbose_name_plural = _("batches")

    def __str__(self) -> str:
        return f"{self.pk}"


class StandingSubmissions(models.Manager["Submission"]):
    """The submissions that were not withdrawn."""

    def get_queryset(self) -> models.QuerySet["Submission"]:
        return super().get_queryset().filter(withdrawal=None)


class Submission(models.Model):
    """One candidate's answers at one attempt; the latest attempt counts.

    `objects` leaves out those that are withdrawn as a whole; `everything` has them, too. Where the
    candidate's answers arrive anew, the same row stands again.
    """

    exam = models.ForeignKey(
        Exam, models.CASCADE, related_name="submissions", verbose_name=_("exam")
    )
    batch = models.ForeignKey(
        Batch,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="submissions",
        verbose_name=_("batch"),
    )
    candidate = models.CharField(_("candidate"), max_length=100)
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=1)
    absent = models.BooleanField(_("absent"), default=False)
    # No longer compared, since answers arrive question by question. The version before needs it.
    body_hash = models.CharField(max_length=64, editable=False, default="", db_default="")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    withdrawal = models.ForeignKey(
        Withdrawal,
        models.RESTRICT,
        null=True,
        blank=True,
        editable=False,
        related_name="submissions",
        verbose_name=_("withdrawal"),
    )

    objects = StandingSubmissions()
    everything = models.Manager["Submission"]()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["exam", "candidate", "attempt"], name="submission_once")
        ]
        verbose_name = _("submission")
        verbose_name_plural = _("submissions")

    def __str__(self) -> str:
        return f"{self.exam.code} #{self.pk}"


class AnswerQuerySet(models.QuerySet["Answer"]):
    """Filters and moves of the work queue."""

    def waiting(self, at: datetime | None = None) -> Self:
        """To be scored now; without answers that were postponed to a later time than `at`."""
        return self.filter(status=Answer.Status.WAITING, not_before__lte=at or now())

    def quick(self) -> Self:
        """Neither long, nor in a request to which the inference service gave no answer."""
        return self.alias(size=Length("text")).filter(breaks=0, size__lte=LONG)

    def slow(self) -> Self:
        """The others, which may take the inference service long."""
        return self.alias(size=Length("text")).filter(
            models.Q(breaks__gt=0) | models.Q(size__gt=LONG)
        )

    def stalled(self, after: timedelta, at: datetime | None = None) -> Self:
        """Claimed longer ago than `after`: the worker is dead or very slow."""
        return self.filter(status=Answer.Status.SCORING, claimed_at__lt=(at or now()) - after)

    def wait_again(self, at: datetime | None = None) -> int:
        """Let the answers be scored again; return how many. Needs a transaction.

        Marks stay, and so do final marks by people.
        """
        # A worker may be scoring some of them at this moment. If it has locked them to write its
        # marks, this waits for it; otherwise its claim is gone and it writes nothing.
        lock_answers(self)
        return self.update(
            status=Answer.Status.WAITING,
            tries=0,
            breaks=0,
            reason="",
            claimed_at=None,
            not_before=at or now(),
        )

    def claim(
        self,
        question_id: int,
        size: int,
        within: Callable[[Sequence["Answer"]], int] = len,
        at: datetime | None = None,
    ) -> list["Answer"]:
        """Claim up to `size` waiting answers and return them; needs a transaction.

        Of these the first so many as `within` says.
        """
        at = at or now()
        # Two workers may claim at once: each skips the rows that the other has locked, so neither
        # waits and no answer is claimed twice. The oldest come first, against the order in
        # scoring/models/locks.py, which is safe because this never waits.
        answers = list(
            self.filter(question_id=question_id)
            .waiting(at)
            .order_by("pk")
            .select_for_update(skip_locked=True)[:size]
        )
        answers = answers[: within(answers)]
        self.filter(pk__in=[answer.pk for answer in answers]).update(
            status=Answer.Status.SCORING, claimed_at=at
        )
        for answer in answers:
            answer.status, answer.claimed_at = Answer.Status.SCORING, at
        return answers


Answers = models.Manager.from_queryset(AnswerQuerySet)


class CountingAnswers(Answers["Answer"]):
    """The answers that count."""

    def get_queryset(self) -> AnswerQuerySet:
        return AnswerQuerySet(self.model, using=self._db).filter(counts=True)


class Answer(Lifecycle):
    """The text that a candidate wrote for one question.

    `status` is the machine's work, `review` that of people; `text_key` is the same for answers that
    count as the same text. `batch` is the one in which the answer arrived.

    Of a submission's answers to one question the newest that is not withdrawn counts
    (scoring/marks/counting.py). The others are kept with their marks, and only `everything` has
    them: `objects`, and with it every queue, figure and result, leaves them out.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting")
        SCORING = "scoring", _("scoring")
        SCORED = "scored", _("scored")
        FAILED = "failed", _("failed")

    class Review(models.TextChoices):
        NONE = "none", _("none")
        QUEUED = "queued", _("queued")
        CLAIMED = "claimed", _("claimed")
        MARKED = "marked", _("marked")
        DISPUTED = "disputed", _("disputed")
        ADJUDICATED = "adjudicated", _("adjudicated")

    class Reason(models.TextChoices):
        """Why people are asked to mark the answer."""

        UNCERTAIN = "uncertain", _("the machine is unsure")
        FLAGGED = "flagged", _("the machine flagged it")
        AUDIT = "audit", _("drawn for the audit")
        PASS_LINE = "pass_line", _("near the pass line")
        BOTH = "both", _("drawn for the audit, and near the pass line")

    AUDITED = (Reason.AUDIT, Reason.BOTH)
    NEAR_PASS_LINE = (Reason.PASS_LINE, Reason.BOTH)

    FLOW = {
        "waiting": ("scoring", "failed"),
        "scoring": ("scored", "waiting", "failed"),
        "scored": ("waiting",),
        "failed": ("waiting",),
    }

    submission = models.ForeignKey(
        Submission, models.CASCADE, related_name="answers", verbose_name=_("submission")
    )
    question = models.ForeignKey(
        Question, models.CASCADE, related_name="answers", verbose_name=_("question")
    )
    batch = models.ForeignKey(
        Batch,
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="answers",
        verbose_name=_("batch"),
    )
    counts = models.BooleanField(_("counts"), default=True, db_default=True, editable=False)
    withdrawal = models.ForeignKey(
        Withdrawal,
        models.RESTRICT,
        null=True,
        blank=True,
        editable=False,
        related_name="answers",
        verbose_name=_("withdrawal"),
    )
    text = models.TextField(_("text"))
    text_key = models.CharField(max_length=64, editable=False)
    status = models.CharField(_("status"), max_length=7, choices=Status, default=Status.WAITING)
    review = models.CharField(_("review"), max_length=11, choices=Review, default=Review.NONE)
    review_reason = models.CharField(
        _("reason of the review"),
        max_length=9,
        choices=Reason,
        blank=True,
        default="",
        db_default="",
    )
    urgency = models.FloatField(_("urgency"), default=0.0, db_default=0.0)
    readings = models.PositiveSmallIntegerField(_("readings asked for"), default=1, db_default=1)
    answer_group = models.ForeignKey(
        "scoring.AnswerGroup",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="answers",
        verbose_name=_("answer group"),
    )
    claimed_at = models.DateTimeField(_("claimed at"), null=True, blank=True)
    not_before = models.DateTimeField(_("not before"), default=now)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    breaks = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    """Requests with it in a row to which the inference service gave no answer."""
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    flags = models.JSONField(_("flags"), default=list, blank=True)
    final_points = models.DecimalField(
        _("final points"), max_digits=5, decimal_places=1, null=True, blank=True
    )
    final_source = models.CharField(_("source of the final mark"), max_length=11, blank=True)

    objects = CountingAnswers()
    everything = AnswerQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["submission", "question"],
                condition=models.Q(counts=True),
                name="one_answer_counts",
            )
        ]
        indexes = [
            models.Index(
                fields=["question", "id"],
                name="answer_waiting",
                condition=models.Q(status="waiting"),
            ),
            models.Index(
                fields=["claimed_at"], name="answer_scoring", condition=models.Q(status="scoring")
            ),
            models.Index(fields=["question", "text_key"], name="answer_same_text"),
            models.Index(
                fields=["question", "-urgency", "id"],
                name="answer_queued",
                condition=models.Q(review="queued"),
            ),
            models.Index(
                fields=["question", "review"],
                name="answer_in_review",
                condition=~models.Q(review="none"),
            ),
        ]
        verbose_name = _("answer")
        verbose_name_plural = _("answers")

    @property
    def explanation(self) -> str:
        """Why scoring failed or was put off, in the active language."""
        return in_words(self.reason)

    def __str__(self) -> str:
        return f"#{self.pk}"
