"""A question's calibration: what marks it now, its curve, and the deeds, each shown beforehand."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pmscoring.base.admin import theme
from pmscoring.base.admin.classes import Admin
from pmscoring.base.admin.pages import confirmation, page
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.roles import has_role
from scoring import tasks
from scoring.admin import charts, colours
from scoring.admin.calibrations import NOTHING, OPEN, figures, progress
from scoring.admin.forms import ThresholdForm
from scoring.agreement import coverage
from scoring.agreement.shapes import CoveragePoint
from scoring.calibration import fitting, promotion, thresholds
from scoring.models import Calibration, MarkingPolicy, Promotion, Question

MOST_SHOWN = 50


class CalibrationPages(Admin):
    """The pages and the action of questions that have to do with their calibration."""

    actions: Any = ("calibrate",)
    actions_detail: Any = ("calibration",)

    def has_manage_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the deeds of this page are the caller's."""
        return has_role(request.user, *self.writers)

    def get_urls(self) -> list[URLPattern]:
        """With a page for each deed."""
        deeds: dict[str, Callable[..., HttpResponse]] = {
            "ask": self.ask_view,
            "rollback": self.roll_back_view,
            "threshold": self.threshold_view,
            "promote/<int:key>": self.promote_view,
        }
        found = [
            path(
                f"<int:pk>/calibration/{address}/",
                self.admin_site.admin_view(view),
                name=f"scoring_question_{address.partition('/')[0]}",
            )
            for address, view in deeds.items()
        ]
        return [*found, *super().get_urls()]

    @admin.action(description=gettext_lazy("Calibrate"), permissions=["manage"])
    def calibrate(self, request: HttpRequest, queryset: Any) -> None:
        """Each that may be."""
        ask_all(self, request, queryset.select_related("exam"))

    @theme.action(
        description=gettext_lazy("Calibration"),
        icon="tune",
        permissions=["view"],
        url_path="calibration",
    )
    def calibration(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """What marks the question, what might, and from which confidence on marks stand."""
        question = _question(object_id)
        found = list(question.calibrations.select_related("requested_by")[:MOST_SHOWN])
        active = question.calibration
        policy = MarkingPolicy.of(question.exam)
        cuts = thresholds.curve(active)
        texts = fitting.marked_texts(question)
        more = {
            "question": question,
            "active": active,
            "measured": figures(active.metrics) if active and not active.is_general else None,
            "under_way": [(one, progress(one)) for one in found if one.status in OPEN],
            "rows": [(one, figures(one.metrics), colours.CALIBRATION[one.status]) for one in found],
            "texts": texts[0],
            "lacking": fitting.lacking(*texts),
            "threshold": _shown(question.threshold),
            "machine_final": policy.machine_final,
            "promotions": _promotions(question),
            "thresholds": question.thresholds.select_related("set_by")[:MOST_SHOWN],
            "may_manage": self.has_manage_permission(request) and not question.exam.frozen,
            **_chart(cuts, policy.target_agreement, question.threshold),
        }
        title = _("Calibration")
        return page(self, request, "scoring/calibration.html", title, question, **more)

    def ask_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """GET asks, POST does it."""
        question = _question(pk)
        if not self.has_manage_permission(request):
            return _back(question)
        if request.method == "POST":
            ask_all(self, request, [question])
            return _back(question)
        texts = fitting.marked_texts(question)
        facts = [(_("texts marked by people"), texts[0])]
        told = _(
            "A worker fits the machine to these marks. Where the result agrees better with"
            " people than what marks the question now, it is put to use at once, and the"
            " machine's marks are made anew. Marks by people stay."
        )
        more = {"facts": facts, "refusal": fitting.lacking(*texts)}
        return self._confirm(request, question, _("Calibrate this question?"), told, more)

    def promote_view(self, request: HttpRequest, pk: int, key: int) -> HttpResponse:
        """GET shows what would change, POST does it."""
        question = _question(pk)
        wanted = get_object_or_404(question.calibrations, pk=key)
        if not self.has_manage_permission(request):
            return _back(question)
        if request.method == "POST":
            return self._done(request, question, lambda: promotion.promote(wanted, request.user))
        if wanted.status != Calibration.Status.READY:
            return _back(question)
        found = promotion.compare(question, wanted)
        new, present = (figures(asdict(one) if one else {}) for one in (found.new, found.present))
        words = {"calibration": wanted}
        told = _(
            "From then on %(calibration)s marks the question. The machine's marks are made anew;"
            " marks by people stay."
        )
        more = {
            "facts": self._consequences(question, wanted),
            "compared": [
                (_("QWK"), present["kappa"], new["kappa"]),
                (_("exact"), present["exact"], new["exact"]),
                (_("within a step"), present["adjacent"], new["adjacent"]),
                (_("mean error"), present["mae"], new["mae"]),
            ],
            "texts": found.texts,
            "refusal": promotion.refusal(question, wanted),
        }
        title = _("Put %(calibration)s to use?") % words
        return self._confirm(request, question, title, told % words, more)

    def roll_back_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """GET shows what would change, POST does it."""
        question = _question(pk)
        if not self.has_manage_permission(request) or question.calibration is None:
            return _back(question)
        if request.method == "POST":
            user = request.user
            return self._done(request, question, lambda: promotion.roll_back(question, user))
        earlier = promotion.before(question)
        words = {"calibration": earlier or _("the uncalibrated method")}
        told = _(
            "From then on %(calibration)s marks the question, as before. Its marks are known and"
            " are taken over; marks by people stay."
        )
        more = {"facts": self._consequences(question, earlier, Promotion.Kind.ROLLBACK)}
        title = _("Roll back to %(calibration)s?") % words
        return self._confirm(request, question, title, told % words, more)

    def threshold_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """GET looks for a threshold and shows what it would do, POST applies it."""
        question = _question(pk)
        if not self.has_manage_permission(request):
            return _back(question)
        policy = MarkingPolicy.of(question.exam)
        given = request.POST if request.method == "POST" else request.GET
        form = ThresholdForm(given or {"target": policy.target_agreement})
        valid = form.is_valid()
        if request.method == "POST" and valid:
            return self._apply(request, question, form.cleaned_data)
        target = (form.cleaned_data.get("target") if valid else None) or policy.target_agreement
        proposed = thresholds.proposal(question, target)
        by_hand = form.cleaned_data.get("value") if valid else None
        value = proposed.value if by_hand is None else by_hand
        standing, marked = thresholds.standing(question, value)
        cuts = thresholds.curve(question.calibration)
        more = {
            "question": question,
            "form": form,
            "value": "" if value is None else repr(value),
            "by_hand": by_hand is not None,
            "target": repr(target),
            "shown": _shown(value),
            "present": _shown(question.threshold),
            "proposed": proposed,
            "cut": _cut(proposed.cut if by_hand is None else _at(cuts, value)),
            "standing": standing,
            "marked": marked,
            "standing_now": thresholds.standing(question, question.threshold)[0],
            "machine_final": policy.machine_final,
            **_chart(cuts, target, value),
        }
        title = _("From which confidence on do the machine's marks stand?")
        return page(self, request, "scoring/threshold.html", title, question, **more)

    def _apply(
        self, request: HttpRequest, question: Question, told: dict[str, Any]
    ) -> HttpResponse:
        value, user = told["value"], request.user
        proposed = None
        if value is not None and told["target"] is not None:
            found = thresholds.proposal(question, told["target"])
            # What a person looked at may meanwhile be another calibration's.
            proposed = found if found.value == value else None
        return self._done(
            request, question, lambda: thresholds.apply(question, value, user, proposed)
        )

    def _consequences(
        self, question: Question, calibration: Calibration | None, kind: str = Promotion.Kind.MANUAL
    ) -> list[tuple[str, Any]]:
        value, _proposed = promotion.threshold_under(question, calibration, kind)
        return [
            (_("answers whose machine mark is made anew"), question.answers.count()),
            (_("threshold of confidence now"), _shown(question.threshold)),
            (_("threshold of confidence then"), _shown(value)),
        ]

    def _confirm(
        self, request: HttpRequest, question: Question, title: str, told: str, more: dict[str, Any]
    ) -> HttpResponse:
        return confirmation(
            self,
            request,
            title,
            question,
            meaning=told,
            back=_address(question),
            template="scoring/calibration_confirm.html",
            **more,
        )

    def _done(self, request: HttpRequest, question: Question, deed: Any) -> HttpResponse:
        try:
            deed()
        except WrongState as error:
            self.message_failure(request, error)
        else:
            tasks.nudge([question.pk])
            self.message_user(request, _("Done. A worker brings the answers up to it."))
        return _back(question)


def ask_all(owner: Admin, request: HttpRequest, questions: Iterable[Question]) -> None:
    """A calibration of each question; what cannot be calibrated is told."""
    for question in questions:
        try:
            made = fitting.ask(question, request.user)
        except WrongState as error:
            owner.message_user(request, f"{question}: {error}", "warning")
        else:
            tasks.nudge_calibration(made)
            told = _("%s: the calibration waits for a worker.") % question
            owner.message_user(request, told)


def _question(pk: int) -> Question:
    rows = Question.objects.select_related("exam__policy", "calibration")
    return get_object_or_404(rows, pk=pk)


def _address(question: Question) -> str:
    return reverse("admin:scoring_question_calibration", args=[question.pk])


def _back(question: Question) -> HttpResponse:
    return HttpResponseRedirect(_address(question))


def _shown(value: float | None) -> str:
    return _("no machine mark stands") if value is None else f"{value:.3f}"


def _promotions(question: Question) -> list[Promotion]:
    found = question.promotions.select_related("calibration", "promoted_by")
    return list(found[:MOST_SHOWN])


def _at(cuts: list[coverage.Cut], value: float | None) -> coverage.Cut | None:
    """The loosest cut that the value lets through."""
    found = [one for one in cuts if value is not None and one.threshold >= value]
    return found[-1] if found else None


def _cut(cut: coverage.Cut | None) -> dict[str, str] | None:
    if cut is None:
        return None
    return {
        "coverage": f"{cut.coverage:.1%}",
        "agreement": f"{cut.agreement:.1%}",
        "bound": f"{cut.bound:.1%}" if cut.bound else NOTHING,
    }


def _chart(cuts: list[coverage.Cut], target: float, value: float | None) -> dict[str, Any]:
    """The coverage curve with its table."""
    points: list[CoveragePoint] = [
        {
            "threshold": one.threshold,
            "count": one.count,
            "coverage": one.coverage,
            "agreement": one.agreement,
        }
        for one in cuts
    ]
    rows = [
        [f"{one.threshold:.3f}", one.count, f"{one.coverage:.1%}", f"{one.agreement:.1%}"]
        for one in cuts
    ]
    plot = charts.coverage_plot(points, target, value)
    return {"plot": plot, "plot_rows": rows, "plot_target": f"{target:.1%}"}
