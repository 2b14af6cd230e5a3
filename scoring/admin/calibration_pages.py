"""A question's calibration page, and the actions on it: each shows its effect before it is done."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pmscoring.base.admin import theme
from pmscoring.base.admin.classes import Admin
from pmscoring.base.admin.pages import confirmation, page
from pmscoring.base.lifecycle import ChangedMeanwhile, WrongState
from pmscoring.base.roles import has_role, signed_in
from scoring import tasks
from scoring.admin import charts, colours
from scoring.admin.calibrations import NOTHING, OPEN, figures, progress
from scoring.admin.forms import ThresholdForm
from scoring.agreement import coverage
from scoring.agreement.shapes import CoveragePoint
from scoring.calibration import fitting, promotion, thresholds
from scoring.models import Calibration, MarkingPolicy, Promotion, Question

MOST_SHOWN = 50
SHOWN = "shown"
"""The field in which a page sends back what it showed to be in use."""


class CalibrationPages(Admin):
    """The part of the questions' admin that deals with calibrations and thresholds."""

    actions: Any = ("calibrate",)
    actions_detail: Any = ("calibration",)

    def has_manage_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return has_role(request.user, *self.writers)

    def get_urls(self) -> list[URLPattern]:
        views: dict[str, Callable[..., HttpResponse]] = {
            "ask": self.ask_view,
            "rollback": self.roll_back_view,
            "threshold": self.threshold_view,
            "promote/<int:key>": self.promote_view,
        }
        pages = [
            path(
                f"<int:pk>/calibration/{address}/",
                self.admin_site.admin_view(view),
                name=f"scoring_question_{address.partition('/')[0]}",
            )
            for address, view in views.items()
        ]
        return [*pages, *super().get_urls()]

    @admin.action(description=gettext_lazy("Calibrate"), permissions=["manage"])
    def calibrate(self, request: HttpRequest, queryset: Any) -> None:
        request_calibrations(self, request, queryset.select_related("exam"))

    @theme.action(
        description=gettext_lazy("Calibration"),
        icon="tune",
        permissions=["view"],
        url_path="calibration",
    )
    def calibration(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The active calibration, those it could be replaced by, and the confidence threshold."""
        question = _get_question(object_id)
        calibrations = list(question.calibrations.select_related("requested_by")[:MOST_SHOWN])
        active = question.calibration
        policy = MarkingPolicy.of(question.exam)
        texts = fitting.marked_texts(question)
        context = {
            "question": question,
            "active": active,
            "measured": figures(active.metrics) if active and not active.is_general else None,
            "under_way": [(row, progress(row)) for row in calibrations if row.status in OPEN],
            "rows": [
                (row, figures(row.metrics), colours.CALIBRATION[row.status]) for row in calibrations
            ],
            "texts": texts[0],
            "lacking": fitting.lacking(*texts),
            "threshold": _threshold_text(question.threshold),
            "machine_final": policy.machine_final,
            "promotions": _promotions(question),
            "thresholds": question.thresholds.select_related("set_by")[:MOST_SHOWN],
            "may_manage": self.has_manage_permission(request) and not question.exam.frozen,
            **_chart(thresholds.curve(active), policy.target_agreement, question.threshold),
        }
        title = _("Calibration")
        return page(self, request, "scoring/calibration.html", title, question, **context)

    def ask_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """GET asks for confirmation, POST requests a calibration."""
        question = _get_question(pk)
        if not self.has_manage_permission(request):
            return _back(question)
        if request.method == "POST":
            request_calibrations(self, request, [question])
            return _back(question)
        texts = fitting.marked_texts(question)
        meaning = _(
            "A worker fits the machine to these marks. If the result agrees better with people than"
            " the calibration in use, it takes effect at once and the machine marks all answers"
            " again. Marks by people are kept."
        )
        context = {
            "facts": [(_("texts marked by people"), texts[0])],
            "refusal": fitting.lacking(*texts),
        }
        return self._confirm(request, question, _("Calibrate this question?"), meaning, context)

    def promote_view(self, request: HttpRequest, pk: int, key: int) -> HttpResponse:
        """GET compares the calibration `key` with the present one, POST promotes it."""
        question = _get_question(pk)
        calibration = get_object_or_404(question.calibrations, pk=key)
        if not self.has_manage_permission(request):
            return _back(question)
        if request.method == "POST":
            user, shown = signed_in(request.user), request.POST.get(SHOWN, "")
            return self._carry_out(
                request, question, lambda: promotion.promote(calibration, user, shown=shown)
            )
        if calibration.status != Calibration.Status.READY:
            return _back(question)
        names = {"calibration": calibration}
        title = _("Put %(calibration)s to use?") % names
        meaning = _(
            "From then on %(calibration)s marks the question. The machine marks all answers again;"
            " marks by people are kept."
        )
        context = self._promotion_context(question, calibration)
        return self._confirm(request, question, title, meaning % names, context)

    def _promotion_context(self, question: Question, calibration: Calibration) -> dict[str, Any]:
        comparison = promotion.compare(question, calibration)
        new, present = (
            figures(asdict(measured) if measured else {})
            for measured in (comparison.new, comparison.present)
        )
        return {
            "facts": self._consequences(question, calibration),
            "compared": [
                (_("QWK"), present["kappa"], new["kappa"]),
                (_("exact"), present["exact"], new["exact"]),
                (_("within a step"), present["adjacent"], new["adjacent"]),
                (_("mean error"), present["mae"], new["mae"]),
            ],
            "texts": comparison.texts,
            "refusal": promotion.refusal(question, calibration),
        }

    def roll_back_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """GET shows what would change, POST goes back to the previous calibration."""
        question = _get_question(pk)
        if not self.has_manage_permission(request) or question.calibration is None:
            return _back(question)
        if request.method == "POST":
            user, shown = signed_in(request.user), request.POST.get(SHOWN, "")
            return self._carry_out(
                request, question, lambda: promotion.roll_back(question, user, shown)
            )
        earlier = promotion.before(question)
        names = {"calibration": earlier or _("the uncalibrated method")}
        title = _("Roll back to %(calibration)s?") % names
        meaning = _(
            "From then on %(calibration)s marks the question, as before. The marks that it gave"
            " earlier are used again; marks by people are kept."
        )
        context = {"facts": self._consequences(question, earlier, Promotion.Kind.ROLLBACK)}
        return self._confirm(request, question, title, meaning % names, context)

    def threshold_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """GET proposes a threshold and shows its effect, POST applies it.

        The query names a target agreement, or the confidence itself; a POST without a value removes
        the threshold.
        """
        question = _get_question(pk)
        if not self.has_manage_permission(request):
            return _back(question)
        policy = MarkingPolicy.of(question.exam)
        data = request.POST if request.method == "POST" else request.GET
        form = ThresholdForm(data or {"target": policy.target_agreement})
        valid = form.is_valid()
        if request.method == "POST" and valid:
            return self._apply_threshold(request, question, **form.cleaned_data)
        target = (form.cleaned_data.get("target") if valid else None) or policy.target_agreement
        typed = form.cleaned_data.get("value") if valid else None
        context = {
            "question": question,
            "form": form,
            "shown": thresholds.in_use(question),
            "machine_final": policy.machine_final,
            **self._threshold_context(question, target, typed),
        }
        title = _("Minimum confidence at which the machine's marks become final")
        return page(self, request, "scoring/threshold.html", title, question, **context)

    def _threshold_context(
        self, question: Question, target: float, typed: float | None
    ) -> dict[str, Any]:
        """The effect of the value that was typed, else of the one proposed for the target."""
        proposal = thresholds.proposal(question, target)
        value = proposal.value if typed is None else typed
        standing, marked = thresholds.standing(question, value)
        cuts = thresholds.curve(question.calibration)
        return {
            # As repr writes them, so that the form sends back exactly these floats.
            "value": "" if value is None else repr(value),
            "target": repr(target),
            "by_hand": typed is not None,
            "threshold": _threshold_text(value),
            "present_threshold": _threshold_text(question.threshold),
            "proposal": proposal,
            "cut": _cut_texts(proposal.cut if typed is None else _loosest_cut(cuts, value)),
            "standing": standing,
            "marked": marked,
            "standing_now": thresholds.standing(question, question.threshold)[0],
            **_chart(cuts, target, value),
        }

    def _apply_threshold(
        self, request: HttpRequest, question: Question, target: float | None, value: float | None
    ) -> HttpResponse:
        proposal = None
        if value is not None and target is not None:
            # Another calibration may have been promoted since the page was shown, and the value
            # was proposed for the one before. It is applied all the same, as a value of the
            # manager's own: the target is recorded only where it still leads to this value.
            current = thresholds.proposal(question, target)
            proposal = current if current.value == value else None
        user, shown = signed_in(request.user), request.POST.get(SHOWN, "")
        typed = urlencode({"value": value} if value is not None else {})
        again = reverse("admin:scoring_question_threshold", args=[question.pk])
        return self._carry_out(
            request,
            question,
            lambda: thresholds.apply(question, value, user, proposal, shown),
            again=f"{again}?{typed}",
        )

    def _consequences(
        self, question: Question, calibration: Calibration | None, kind: str = Promotion.Kind.MANUAL
    ) -> list[tuple[str, Any]]:
        value, _proposal = promotion.threshold_under(question, calibration, kind)
        return [
            (_("answers that the machine marks again"), question.answers.count()),
            (_("threshold of confidence now"), _threshold_text(question.threshold)),
            (_("threshold of confidence afterwards"), _threshold_text(value)),
        ]

    def _confirm(
        self,
        request: HttpRequest,
        question: Question,
        title: str,
        meaning: str,
        context: dict[str, Any],
    ) -> HttpResponse:
        return confirmation(
            self,
            request,
            title,
            question,
            meaning=meaning,
            back=_address(question),
            template="scoring/calibration_confirm.html",
            shown=thresholds.in_use(question),
            **context,
        )

    def _carry_out(
        self,
        request: HttpRequest,
        question: Question,
        action: Callable[[], object],
        again: str = "",
    ) -> HttpResponse:
        """Run the action, which changes what marks the question, and go back to its page.

        Where others have changed that meanwhile, go to the page `again` to look at it.
        """
        # While the manager read the confirmation, another manager or a worker may have promoted,
        # rolled back or fixed the exam. The actions lock the question and decide by the row as it
        # is then; where that is not what the page showed, or no longer fits, they raise WrongState
        # and change nothing.
        try:
            action()
        except ChangedMeanwhile as error:
            self.message_failure(request, error)
            return HttpResponseRedirect(again or _address(question))
        except WrongState as error:
            self.message_failure(request, error)
        else:
            tasks.nudge([question.pk])
            self.message_user(request, _("Done. A worker is updating the answers."))
        return _back(question)


def request_calibrations(owner: Admin, request: HttpRequest, questions: Iterable[Question]) -> None:
    """Request a calibration of each question; warn about those that cannot be calibrated."""
    for question in questions:
        try:
            calibration = fitting.request(question, signed_in(request.user))
        except WrongState as error:
            owner.message_user(request, f"{question}: {error}", "warning")
        else:
            tasks.nudge_calibration(calibration)
            message = _("%s: the calibration waits for a worker.") % question
            owner.message_user(request, message)


def _get_question(pk: int) -> Question:
    rows = Question.objects.select_related("exam__policy", "calibration")
    return get_object_or_404(rows, pk=pk)


def _address(question: Question) -> str:
    return reverse("admin:scoring_question_calibration", args=[question.pk])


def _back(question: Question) -> HttpResponse:
    return HttpResponseRedirect(_address(question))


def _threshold_text(value: float | None) -> str:
    return _("no machine mark becomes final") if value is None else f"{value:.3f}"


def _promotions(question: Question) -> list[Promotion]:
    promotions = question.promotions.select_related("calibration", "promoted_by")
    return list(promotions[:MOST_SHOWN])


def _loosest_cut(cuts: list[coverage.Cut], value: float | None) -> coverage.Cut | None:
    """The last cut of the curve at or above the value; the curve begins with the strictest."""
    above = [cut for cut in cuts if value is not None and cut.threshold >= value]
    return above[-1] if above else None


def _cut_texts(cut: coverage.Cut | None) -> dict[str, str] | None:
    if cut is None:
        return None
    return {
        "coverage": f"{cut.coverage:.1%}",
        "agreement": f"{cut.agreement:.1%}",
        "bound": f"{cut.bound:.1%}" if cut.bound else NOTHING,
    }


def _chart(cuts: list[coverage.Cut], target: float, value: float | None) -> dict[str, Any]:
    """The context of charts/coverage.html: the curve, and the table below it."""
    points: list[CoveragePoint] = [
        {
            "threshold": cut.threshold,
            "count": cut.count,
            "coverage": cut.coverage,
            "agreement": cut.agreement,
        }
        for cut in cuts
    ]
    rows = [
        [f"{cut.threshold:.3f}", cut.count, f"{cut.coverage:.1%}", f"{cut.agreement:.1%}"]
        for cut in cuts
    ]
    plot = charts.coverage_plot(points, target, value)
    return {"plot": plot, "plot_rows": rows, "plot_target": f"{target:.1%}"}
