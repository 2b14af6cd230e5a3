"""Exams, their questions and criteria."""

import hashlib
import json
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy as _

from pmscoring.base.folding import FOLDING
from pmscoring.base.lifecycle import Lifecycle

code_validator = RegexValidator(r"^[A-Za-z0-9-]{1,32}\Z")


def number(value: Any) -> float | int:
    """A decimal as a JSON number, without a fraction where it is whole: 2 rather than 2.0."""
    return int(value) if value == int(value) else float(value)


class Exam(Lifecycle):
    """An exam paper; its definition may change until it is fixed.

    It is held from `starts_at` until `ends_at`, where that is known.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        TRIAL = "trial", _("trial")
        MARKING = "marking", _("marking")
        FIXED = "fixed", _("fixed")
        PUBLISHED = "published", _("published")

    FLOW = {
        "draft": ("trial", "marking"),
        "trial": ("draft", "marking"),
        "marking": ("fixed",),
        "fixed": ("published",),
    }

    code = models.CharField(_("code"), max_length=32, unique=True, validators=[code_validator])
    title = models.CharField(_("title"), max_length=200)
    language = models.CharField(
        _("language"),
        max_length=2,
        default="ja",
        choices=[("ja", _("Japanese")), ("en", _("English"))],
    )
    status = models.CharField(_("state"), max_length=9, choices=Status, default=Status.DRAFT)
    starts_at = models.DateTimeField(_("held from"), null=True, blank=True)
    ends_at = models.DateTimeField(_("held until"), null=True, blank=True)
    delete_answers_on = models.DateField(_("answers are deleted on"), null=True, blank=True)
    no_answers = models.JSONField(
        _("further phrases that answer nothing"),
        default=list,
        db_default=models.Value([], models.JSONField()),
        blank=True,
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("exam")
        verbose_name_plural = _("exams")
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_at=None, ends_at=None)
                # Spelt out, for a comparison with NULL is not false, and would pass.
                | Q(
                    starts_at__isnull=False,
                    ends_at__isnull=False,
                    ends_at__gt=models.F("starts_at"),
                ),
                name="exams_end_after_they_start",
            )
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"

    def clean(self) -> None:
        """When it is held has a start and a later end, or is not known: ValidationError."""
        if (self.starts_at is None) != (self.ends_at is None):
            missing = "starts_at" if self.starts_at is None else "ends_at"
            raise ValidationError({missing: _("The start and the end belong together.")})
        if self.starts_at and self.ends_at and self.ends_at <= self.starts_at:
            raise ValidationError({"ends_at": _("The end must be later than the start.")})

    @property
    def frozen(self) -> bool:
        """Whether the exam is fixed or published, so that results may not change."""
        return self.status in (self.Status.FIXED, self.Status.PUBLISHED)

    @property
    def closed_message(self) -> str:
        """Why no answer is accepted now, "" where it is: fixed, or deleted the same day."""
        if self.frozen:
            return self.state_message
        if self.delete_answers_on is None or self.delete_answers_on > localdate():
            return ""
        words = {"exam": self.code, "date": self.delete_answers_on}
        return str(
            _(
                "the answers of %(exam)s have been deleted since %(date)s, so what arrives would be"
                " deleted too; a manager may choose a later date"
            )
            % words
        )

    @property
    def state_message(self) -> str:
        """The exam's code and state as a sentence, for messages that refuse a change."""
        words = {"exam": self.code, "state": self.get_status_display()}
        return str(_("%(exam)s is in the state: %(state)s") % words)


def present_folding() -> int:
    """The number of the rules by which texts are folded now."""
    return FOLDING


class QuestionGroup(models.Model):
    """A group of questions, of which candidates answer `choose`."""

    class OverAnswering(models.TextChoices):
        FIRST = "first", _("the first ones count")
        BEST = "best", _("the best ones count")
        NONE = "none", _("none counts")

    exam = models.ForeignKey(Exam, models.CASCADE, related_name="groups", verbose_name=_("exam"))
    code = models.CharField(_("code"), max_length=32, validators=[code_validator])
    label = models.CharField(_("label"), max_length=100, blank=True)
    choose = models.PositiveSmallIntegerField(_("questions to choose"))
    over_answering = models.CharField(
        _("over-answering"), max_length=5, choices=OverAnswering, default=OverAnswering.FIRST
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["exam", "code"], name="group_code_once")]
        verbose_name = _("question group")
        verbose_name_plural = _("question groups")

    def __str__(self) -> str:
        return self.label or self.code


class Question(models.Model):
    """A question with its limits, sections and criteria.

    `digest` identifies the definition; marks and calibrations made under another are not in force.
    `folding` is the number of the rules that folded its texts and those of its answers.
    """

    class Count(models.TextChoices):
        CHARACTERS = "characters", _("characters")
        CELLS = "cells", _("cells")

    class OverLimit(models.TextChoices):
        FLAG = "flag", _("flag")
        TRUNCATE = "truncate", _("cut at the limit")
        ZERO = "zero", _("no points")

    exam = models.ForeignKey(Exam, models.CASCADE, related_name="questions", verbose_name=_("exam"))
    group = models.ForeignKey(
        QuestionGroup,
        models.RESTRICT,
        null=True,
        blank=True,
        related_name="questions",
        verbose_name=_("question group"),
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    code = models.CharField(_("code"), max_length=32, validators=[code_validator])
    label = models.CharField(_("label"), max_length=100, blank=True)
    language = models.CharField(
        _("language"),
        max_length=2,
        default="ja",
        choices=[("ja", _("Japanese")), ("en", _("English"))],
    )
    prompt = models.TextField(_("prompt"))
    passage = models.TextField(_("passage"), blank=True)
    max_points = models.DecimalField(_("points"), max_digits=5, decimal_places=1)
    step = models.DecimalField(
        _("step"), max_digits=2, decimal_places=1, default=1, choices=[(1, "1"), (0.5, "0.5")]
    )
    min_count = models.PositiveIntegerField(_("at least"), null=True, blank=True)
    max_count = models.PositiveIntegerField(_("at most"), null=True, blank=True)
    count = models.CharField(
        _("counted in"), max_length=10, choices=Count, default=Count.CHARACTERS
    )
    over_limit = models.CharField(
        _("over the limit"), max_length=8, choices=OverLimit, default=OverLimit.FLAG
    )
    sections = models.JSONField(_("sections"), default=list, blank=True)
    ranks = models.JSONField(_("viewpoints ranked A-D"), default=list, blank=True)
    digest = models.CharField(_("definition"), max_length=64, editable=False, blank=True)
    folding = models.PositiveSmallIntegerField(
        default=present_folding, db_default=1, editable=False
    )
    calibration = models.ForeignKey(
        "scoring.Calibration",
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("active calibration"),
    )
    threshold = models.FloatField(_("threshold of confidence"), null=True, blank=True)

    class Meta:
        ordering = ["exam", "position", "pk"]
        constraints = [models.UniqueConstraint(fields=["exam", "code"], name="question_code_once")]
        verbose_name = _("question")
        verbose_name_plural = _("questions")

    def __str__(self) -> str:
        return f"{self.exam.code} {self.label or self.code}"

    @property
    def active_sha256(self) -> str:
        """The checksum of the active calibration; empty for the uncalibrated method."""
        return self.calibration.sha256 if self.calibration else ""

    def wire(self) -> dict[str, Any]:
        """The question as the inference service reads it (contract/question.schema.json).

        The exam's phrases are there only where it has some, so that what was sealed before there
        were any keeps its digest.
        """
        phrases = self.exam.no_answers
        return self.definition() | ({"no_answers": phrases} if phrases else {})

    def definition(self) -> dict[str, Any]:
        """What is the question's own of `wire`."""
        return {
            "language": self.language,
            "prompt": self.prompt,
            "passage": self.passage,
            "max_points": number(self.max_points),
            "step": number(self.step),
            "limits": {
                "min": self.min_count,
                "max": self.max_count,
                "count": self.count,
                "over_limit": self.over_limit,
            },
            "criteria": [criterion.wire() for criterion in self.criteria.all()],
            "model_answers": [answer.text for answer in self.model_answers.all()],
            "sections": self.sections,
        }

    def seal(self) -> None:
        """Store the digest of the present definition."""
        self.digest = self.sealed()
        self.save(update_fields=["digest"])

    def sealed(self) -> str:
        """The digest of the present definition, as its texts are folded."""
        definition = json.dumps(self.wire(), ensure_ascii=False, sort_keys=True)
        if self.folding > 1:
            definition += f" folding {self.folding}"
        return hashlib.sha256(definition.encode()).hexdigest()


class Criterion(models.Model):
    """A criterion for which an answer earns points, with references that satisfy it."""

    question = models.ForeignKey(
        Question, models.CASCADE, related_name="criteria", verbose_name=_("question")
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    code = models.CharField(_("code"), max_length=32, validators=[code_validator])
    label = models.CharField(_("label"), max_length=300)
    points = models.DecimalField(_("points"), max_digits=5, decimal_places=1)
    references = models.JSONField(_("references"), default=list, blank=True)
    keywords = models.JSONField(_("keywords"), default=list, blank=True)

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["question", "code"], name="criterion_code_once")
        ]
        verbose_name = _("criterion")
        verbose_name_plural = _("criteria")

    def __str__(self) -> str:
        return f"{self.code} {self.label}"

    def wire(self) -> dict[str, Any]:
        """The criterion as the inference service reads it (contract/question.schema.json)."""
        return {
            "code": self.code,
            "label": self.label,
            "points": number(self.points),
            "references": self.references,
            "keywords": self.keywords,
        }


class ModelAnswer(models.Model):
    """An answer that would earn full points."""

    question = models.ForeignKey(
        Question, models.CASCADE, related_name="model_answers", verbose_name=_("question")
    )
    text = models.TextField(_("text"))

    class Meta:
        ordering = ["pk"]
        verbose_name = _("model answer")
        verbose_name_plural = _("model answers")

    def __str__(self) -> str:
        return self.text[:40]
