"""Marks of answers. Rows are only added: a trigger refuses every UPDATE."""

from collections.abc import Iterable
from typing import Self

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from scoring.models.answers import Answer
from scoring.models.exams import Question


class MarkQuerySet(models.QuerySet["Mark"]):
    """Filters by source, and for the marks that count."""

    def by_people(self) -> Self:
        """Marks by markers and adjudicators, withdrawn or not."""
        return self.filter(source__in=Mark.PEOPLE)

    def given_by(self, person: User) -> Self:
        """Marks of this account, and those that a file brought under its name."""
        in_files = models.Q(marker=None, origin=person.get_username())
        return self.by_people().filter(models.Q(marker=person) | in_files)

    def answer_count(self) -> int:
        """How many answers have one of these marks."""
        return self.order_by().values("answer").distinct().count()

    def by_machine(self) -> Self:
        """Marks by the machine, under any calibration and definition."""
        return self.filter(source=Mark.Source.MACHINE)

    def standing(self) -> Self:
        """Neither withdrawn nor withdrawals; the function `standing` does the same for a list."""
        return self.filter(mark__isnull=True, withdraws__isnull=True)

    def in_force(self, question: Question | None = None) -> Self:
        """The machine's marks under the active calibration and the present definition.

        Marks under an earlier calibration or definition are kept, but are no longer in force. An
        answer has several in force if the encoder's weights have changed since: the newest counts.

        With `question`, its calibration and digest are compared as values, and the marks must
        be limited to its answers already. Without it, each mark's own question is joined, so that
        lists over several questions take one query.
        """
        if question is not None:
            return self.filter(_in_force(question))
        return self._with_active().filter(_in_force())

    def in_force_of_outer(self) -> Self:
        """Like `in_force`, as a subquery: the marks of the answer of the outer query.

        Question and calibration are joined once in the outer query, not for each of its rows.
        """
        return self.by_machine().filter(
            answer=models.OuterRef("pk"),
            definition=models.OuterRef("question__digest"),
            calibration=Coalesce(
                models.OuterRef("question__calibration__sha256"), models.Value("")
            ),
        )

    def that_count(self, question: Question | None = None) -> Self:
        """People's standing marks beside the machine's in force; `question` as in `in_force`."""
        people = models.Q(source__in=Mark.PEOPLE)
        if question is not None:
            return self.standing().filter(people | _in_force(question))
        return self.standing()._with_active().filter(people | _in_force())

    def _with_active(self) -> Self:
        # Within a filter the Coalesce would make the join to the calibration an INNER JOIN, which
        # drops answers to questions without a calibration.
        active = Coalesce("answer__question__calibration__sha256", models.Value(""))
        return self.alias(active=active)


def _in_force(question: Question | None = None) -> models.Q:
    """The condition of `in_force`; without a question it needs the alias of `_with_active`."""
    return models.Q(
        source=Mark.Source.MACHINE,
        calibration=question.active_sha256 if question else models.F("active"),
        definition=question.digest if question else models.F("answer__question__digest"),
    )


class Mark(models.Model):
    """One marker's judgement of one answer; the machine is a marker too.

    `criteria` is a list of `{code, points, evidence: [{start, end}], doubts: [{start, end,
    reason}]}`, offsets in code points of the text as submitted. `doubts` are where the text may
    say the reverse; marks by people do not have them, nor do older ones by the machine. By
    `text_key`, other answers with the same text take over the mark. `origin` names the source of a
    mark that was imported, of which no account is the marker. `from_group` is the key of the answer
    group that was marked as one, which may be deleted since, `from_upload` that of the uploaded
    file in which the mark came, or which led to a withdrawal.
    """

    class Source(models.TextChoices):
        MACHINE = "machine", _("machine")
        HUMAN = "human", _("human")
        ADJUDICATOR = "adjudicator", _("adjudicator")
        WITHDRAWAL = "withdrawal", _("withdrawal")

    PEOPLE = (Source.HUMAN, Source.ADJUDICATOR)

    answer = models.ForeignKey(
        Answer, models.CASCADE, related_name="marks", verbose_name=_("answer")
    )
    source = models.CharField(_("source"), max_length=11, choices=Source)
    marker = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, verbose_name=_("marker")
    )
    points = models.DecimalField(_("points"), max_digits=5, decimal_places=1)
    criteria = models.JSONField(_("criteria"), default=list)
    flags = models.JSONField(_("flags"), default=list)
    confidence = models.FloatField(_("confidence"), null=True, blank=True)
    calibration = models.CharField(_("calibration"), max_length=64, blank=True)
    model = models.CharField(_("model"), max_length=64, blank=True)
    definition = models.CharField(_("definition"), max_length=64, blank=True)
    text_key = models.CharField(max_length=64, blank=True)
    withdraws = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, verbose_name=_("withdraws")
    )
    comment = models.TextField(_("comment"), blank=True)
    origin = models.CharField(
        _("source of imported marks"), max_length=100, blank=True, default="", db_default=""
    )
    from_group = models.BigIntegerField(_("answer group"), null=True, blank=True)
    from_upload = models.BigIntegerField(_("uploaded file"), null=True, blank=True)
    seconds = models.PositiveIntegerField(_("seconds taken"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = MarkQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["answer", "calibration", "model", "definition"],
                condition=models.Q(source="machine"),
                name="machine_mark_once",
            )
        ]
        indexes = [
            models.Index(
                fields=["-created_at"],
                name="mark_by_people",
                condition=models.Q(source__in=["human", "adjudicator"]),
            ),
            models.Index(
                fields=["-created_at"],
                name="mark_by_machine",
                condition=models.Q(source="machine"),
            ),
        ]
        verbose_name = _("mark")
        verbose_name_plural = _("marks")

    def __str__(self) -> str:
        return f"{self.get_source_display()} {self.points}"

    @property
    def giver(self) -> str:
        """The name of the person or source who gave it; "" for the machine's."""
        return self.origin or (self.marker.get_username() if self.marker else "")

    def is_in_force(self, question: Question) -> bool:
        """Whether the machine made it under the question's active calibration and definition."""
        made_under = (self.source, self.calibration, self.definition)
        return made_under == (self.Source.MACHINE, question.active_sha256, question.digest)


def standing(marks: Iterable[Mark]) -> list[Mark]:
    """Those of the marks that are neither withdrawn nor withdrawals.

    `marks` must be all marks of their answers.
    """
    marks = list(marks)
    withdrawn = {mark.withdraws_id for mark in marks}
    return [mark for mark in marks if mark.withdraws_id is None and mark.pk not in withdrawn]
