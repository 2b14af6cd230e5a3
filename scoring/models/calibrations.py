"""Calibrations fitted to marks by people, and the history of their promotions and thresholds."""

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from pmscoring.base.jobs import Job, JobQuerySet
from pmscoring.base.lifecycle import WrongState
from scoring.models.answers import Answer
from scoring.models.exams import Question


class CalibrationQuerySet(JobQuerySet["Calibration"]):
    """The words of calibrations."""

    def ready(self) -> Self:
        """Fitted; it may be promoted."""
        return self.filter(status=Calibration.Status.READY)


class Calibration(Job):
    """One fit, kept with its metrics whether it was promoted or not.

    `question` is None for a general calibration, which was fitted to the marks of many questions.
    `sha256` is the checksum of its artefact, by which it is named everywhere. `model` is that of
    the encoder's weights, with which alone it can be used. `metrics` were measured out of fold by
    the inference service: examples, kappa, exact, adjacent, mae, calibration_error, seconds.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting")
        FITTING = "fitting", _("fitting")
        READY = "ready", _("ready")
        FAILED = "failed", _("failed")

    WORKING, DONE, FAILED = Status.FITTING, Status.READY, Status.FAILED
    BROKE_OFF = _("the fit broke off %d times")
    FLOW = {
        "waiting": ("fitting", "failed"),
        "fitting": ("ready", "failed", "waiting"),
        "failed": ("waiting",),
    }

    question = models.ForeignKey(
        Question,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="calibrations",
        verbose_name=_("question"),
    )
    status = models.CharField(
        _("status"), max_length=7, choices=Status, default=Status.WAITING, db_index=True
    )
    sha256 = models.CharField(_("SHA-256"), max_length=64, blank=True, db_index=True)
    model = models.CharField(_("model"), max_length=64, blank=True)
    definition = models.CharField(_("definition"), max_length=64, blank=True)
    metrics = models.JSONField(_("metrics"), default=dict, blank=True)
    stage = models.CharField(_("stage"), max_length=40, blank=True)
    fraction = models.FloatField(_("progress"), default=0.0)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("requested by"),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    objects = CalibrationQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["question"],
                condition=models.Q(status__in=["waiting", "fitting"]),
                nulls_distinct=False,
                name="one_fit_at_a_time",
            )
        ]
        verbose_name = _("calibration")
        verbose_name_plural = _("calibrations")

    def __str__(self) -> str:
        return f"#{self.pk} {self.sha256[:12]}".rstrip()

    @property
    def own(self) -> Question:
        """Its question; raises WrongState for a general calibration."""
        if self.question is None:
            raise WrongState(_("%s is a general calibration") % self)
        return self.question

    @property
    def is_general(self) -> bool:
        """Whether it marks any question without marks by people; it then gives no confidence."""
        return self.question_id is None

    def at_end(self) -> dict[str, Any]:
        """With the time."""
        return {**super().at_end(), "finished_at": now()}


class Artefact(models.Model):
    """The fitted file of a calibration, in a table of its own so that lists do not read it.

    It is derived from candidates' answers, and is deleted with them.
    """

    calibration = models.OneToOneField(
        Calibration, models.CASCADE, related_name="artefact", verbose_name=_("calibration")
    )
    content = models.BinaryField(_("content"), editable=False)

    class Meta:
        verbose_name = _("artefact")
        verbose_name_plural = _("artefacts")

    def __str__(self) -> str:
        return f"{self.calibration}"


class Example(models.Model):
    """A marked answer that a calibration was fitted to, and the out-of-fold prediction for it.

    `points` were given by people; `predicted` and `confidence` come from the fold that left the
    answer's text out. The folds of a general calibration leave out whole questions, and give no
    confidence.
    """

    calibration = models.ForeignKey(
        Calibration, models.CASCADE, related_name="examples", verbose_name=_("calibration")
    )
    answer = models.ForeignKey(Answer, models.CASCADE, related_name="+", verbose_name=_("answer"))
    points = models.DecimalField(_("points"), max_digits=5, decimal_places=1)
    predicted = models.DecimalField(_("predicted"), max_digits=5, decimal_places=1)
    confidence = models.FloatField(_("confidence"), null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["calibration", "answer"], name="example_once")
        ]
        verbose_name = _("example")
        verbose_name_plural = _("examples")

    def __str__(self) -> str:
        return f"#{self.answer_id}"


class Promotion(models.Model):
    """The question's machine marks are made under this calibration from `created_at` on.

    Without a calibration they are made by the uncalibrated method. Without a question this is the
    general calibration in use, or that there is none. `comparison` holds the metrics on which the
    decision rested, of both calibrations on the same answers, to which neither was fitted.
    """

    class Kind(models.TextChoices):
        AUTOMATIC = "automatic", _("better than the one before")
        MANUAL = "manual", _("chosen by a person")
        ROLLBACK = "rollback", _("rolled back")
        DEFINITION = "definition", _("set aside, the question has changed")
        GENERAL = "general", _("the general calibration")

    question = models.ForeignKey(
        Question,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="promotions",
        verbose_name=_("question"),
    )
    calibration = models.ForeignKey(
        Calibration,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="promotions",
        verbose_name=_("calibration"),
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    comparison = models.JSONField(_("comparison"), default=dict, blank=True)
    promoted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("promoted by"),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("promotion")
        verbose_name_plural = _("promotions")

    def __str__(self) -> str:
        return f"{self.question} {self.calibration or '-'}"


class Threshold(models.Model):
    """Machine marks of at least this confidence may be final, from `created_at` on.

    None may where `value` is null. A value is valid for the confidence of its calibration only.
    `target` is the agreement for which it was computed and `bound` the lower bound of the agreement
    above it; both are null for a value that a person chose.
    """

    question = models.ForeignKey(
        Question, models.CASCADE, related_name="thresholds", verbose_name=_("question")
    )
    calibration = models.ForeignKey(
        Calibration,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="thresholds",
        verbose_name=_("calibration"),
    )
    value = models.FloatField(_("threshold of confidence"), null=True, blank=True)
    target = models.FloatField(_("target agreement"), null=True, blank=True)
    bound = models.FloatField(_("agreement shown"), null=True, blank=True)
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("set by"),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("threshold")
        verbose_name_plural = _("thresholds")

    def __str__(self) -> str:
        return f"{self.question} {self.value}"
