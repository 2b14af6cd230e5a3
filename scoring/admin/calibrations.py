"""Calibrations: the list with their progress, and the page of one with its figures."""

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from pmscoring.base.admin import bars, theme
from pmscoring.base.admin.classes import ReadOnly
from scoring.admin import colours
from scoring.calibration import promotion
from scoring.models import Calibration, Question

OPEN = (Calibration.Status.WAITING, Calibration.Status.FITTING)
NOTHING = "–"
FIGURES = {
    "examples": "{}",
    "kappa": "{:.3f}",
    "exact": "{:.1%}",
    "adjacent": "{:.1%}",
    "mae": "{:.2f}",
    "calibration_error": "{:.3f}",
    "seconds": "{:.1f}",
    "questions": "{}",
    "r": "{:.3f}",
    "rmse": "{:.1%}",
    "accuracy": "{:.1%}",
}
"""The format of each metric of a calibration."""
STAGES = (
    gettext_noop("reading"),
    gettext_noop("kernel"),
    gettext_noop("heads"),
    gettext_noop("stack"),
    gettext_noop("fitting"),
)
"""Stages that the inference service reports; any other name is shown untranslated."""


def figures(measured: Any) -> dict[str, str]:
    """The metrics formatted for display, a dash for each that is missing."""
    values = {name: measured.get(name) for name in FIGURES}
    return {
        name: NOTHING if value is None else FIGURES[name].format(value)
        for name, value in values.items()
    }


def progress(calibration: Calibration) -> SafeString:
    """A progress bar of the fit with its present stage."""
    percent = round(calibration.fraction * 100)
    stage = gettext(calibration.stage) if calibration.stage else calibration.get_status_display()
    bar = bars.progress_bar(gettext("calibration"), percent, [("scoring", percent)])
    return format_html('{} <span class="pms-none">{}</span>', bar, stage)


def live(calibration: Calibration) -> SafeString:
    """The progress bar, which the page fetches again while the fit goes on; else the status."""
    if calibration.status not in OPEN:
        return format_html("{}", calibration.get_status_display())
    return bars.live(f"calibration-{calibration.pk}", progress(calibration))


@admin.register(Calibration)
class CalibrationAdmin(ReadOnly):
    """Every calibration, to be read: promoting and rolling back belong to the question's page.

    `kappa`, `exact`, `adjacent`, `mae` (in points) and `calibration_error` (the mean distance of
    confidence and agreement) were measured out of fold. Only a general calibration has `r`, `rmse`
    and `accuracy`, measured on questions left out of the fit; `plain_*` are those of the
    uncalibrated method on the same texts.
    """

    list_display = (
        "number",
        "whose",
        "state",
        "in_use",
        "examples",
        "kappa",
        "exact",
        "mae",
        "calibration_error",
        "created_at",
    )
    list_filter = ("status", "question__exam", "created_at")
    list_select_related = ("question__exam",)
    fields = (
        ("question_link", "progress", "in_use"),
        ("examples", "seconds"),
        ("kappa", "exact", "adjacent"),
        ("mae", "calibration_error"),
        ("questions", "r", "rmse", "accuracy"),
        ("plain_r", "plain_rmse", "plain_accuracy"),
        ("requested_by", "created_at", "finished_at"),
        "sha256",
        "model",
        "reason",
    )
    readonly_fields = (
        *("question_link", "progress", "in_use", *FIGURES),
        *("plain_r", "plain_rmse", "plain_accuracy"),
    )

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Calibration]":
        """Annotate `active`, and `general`: the key of the general calibration in use."""
        active = Question.objects.filter(calibration=OuterRef("pk"))
        general = promotion.general_promotions().values("calibration")[:1]
        rows: QuerySet[Calibration] = super().get_queryset(request)
        return rows.annotate(active=Exists(active), general=Subquery(general))

    @theme.display(description="#", ordering="pk")
    def number(self, calibration: Calibration) -> str:
        return f"#{calibration.pk}"

    @theme.display(description=_("question"), ordering="question")
    def whose(self, calibration: Calibration) -> str:
        return str(calibration.question or _("general"))

    @theme.display(description=_("question"))
    def question_link(self, calibration: Calibration) -> str:
        if calibration.is_general:
            return str(self.whose(calibration))
        address = reverse("admin:scoring_question_calibration", args=[calibration.question_id])
        return format_html(
            '<a class="pms-link" href="{}">{}</a>', address, str(calibration.question)
        )

    @theme.display(description=_("status"), ordering="status", label=colours.CALIBRATION)
    def state(self, calibration: Calibration) -> tuple[str, str]:
        return calibration.status, calibration.get_status_display()

    @theme.display(description=_("status"))
    def progress(self, calibration: Calibration) -> str:
        return live(calibration)

    @theme.display(description=_("in use"), boolean=True)
    def in_use(self, calibration: Any) -> bool:
        if calibration.is_general:
            return bool(calibration.pk == calibration.general)
        return bool(calibration.active)

    @theme.display(description=_("marked texts"))
    def examples(self, calibration: Calibration) -> str:
        return figures(calibration.metrics)["examples"]

    @theme.display(description=_("QWK"))
    def kappa(self, calibration: Calibration) -> str:
        return figures(calibration.metrics)["kappa"]

    @theme.display(description=_("exact"))
    def exact(self, calibration: Calibration) -> str:
        return figures(calibration.metrics)["exact"]

    @theme.display(description=_("within a step"))
    def adjacent(self, calibration: Calibration) -> str:
        return figures(calibration.metrics)["adjacent"]

    @theme.display(description=_("mean error"))
    def mae(self, calibration: Calibration) -> str:
        return figures(calibration.metrics)["mae"]

    @theme.display(description=_("calibration error"))
    def calibration_error(self, calibration: Calibration) -> str:
        return figures(calibration.metrics)["calibration_error"]

    @theme.display(description=_("seconds"))
    def seconds(self, calibration: Calibration) -> str:
        return figures(calibration.metrics)["seconds"]

    @theme.display(description=_("questions"))
    def questions(self, calibration: Calibration) -> str:
        return figures(calibration.metrics)["questions"]

    @theme.display(description=_("r on held-out questions"))
    def r(self, calibration: Calibration) -> str:
        return figures(calibration.metrics)["r"]

    @theme.display(description=_("RMSE, share of the points"))
    def rmse(self, calibration: Calibration) -> str:
        return figures(calibration.metrics)["rmse"]

    @theme.display(description=_("accuracy"))
    def accuracy(self, calibration: Calibration) -> str:
        return figures(calibration.metrics)["accuracy"]

    @theme.display(description=_("r uncalibrated"))
    def plain_r(self, calibration: Calibration) -> str:
        return _plain(calibration)["r"]

    @theme.display(description=_("RMSE uncalibrated"))
    def plain_rmse(self, calibration: Calibration) -> str:
        return _plain(calibration)["rmse"]

    @theme.display(description=_("accuracy uncalibrated"))
    def plain_accuracy(self, calibration: Calibration) -> str:
        return _plain(calibration)["accuracy"]


def _plain(calibration: Calibration) -> dict[str, str]:
    return figures(calibration.metrics.get("uncalibrated", {}))
