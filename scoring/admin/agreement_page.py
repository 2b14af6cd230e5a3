"""How well machine and people agree: the page of an exam, and the list that leads to it."""

from typing import Any

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pmscoring.base.admin import theme
from pmscoring.base.admin.pages import page
from pmscoring.base.roles import has_role, sees_candidates
from scoring.admin import charts
from scoring.admin.exam_downloads import ExamDownloads
from scoring.agreement.figures import of_exam
from scoring.agreement.shapes import Figures, QuestionAgreement
from scoring.models import Answer, Exam, Mark, MarkingPolicy
from scoring.review.workload import Workload, workload

MOST_EXAMS = 100
NOTHING = "–"


class ExamAgreementPage(ExamDownloads):
    """The button of an exam that leads to its agreement, and the way there without an exam."""

    def get_urls(self) -> list[URLPattern]:
        """With the list of exams."""
        view = self.admin_site.admin_view(self.agreements_view)
        return [path("agreement/", view, name="scoring_exam_agreements"), *super().get_urls()]

    def agreements_view(self, request: HttpRequest) -> HttpResponse:
        """Exams, newest first, with how many of their answers people settled."""
        shown = Exam.objects.all()[:MOST_EXAMS] if self.has_view_permission(request) else []
        rows = Answer.objects.filter(
            question__exam__in=[exam.pk for exam in shown],
            final_source__in=Mark.PEOPLE,
        )
        counts = dict(
            rows.order_by().values_list("question__exam").annotate(count=Count("pk")).iterator()
        )
        exams = [(exam, counts.get(exam.pk, 0)) for exam in shown]
        return page(self, request, "scoring/agreements.html", _("Agreement"), None, exams=exams)

    @theme.action(
        description=gettext_lazy("Agreement"),
        icon="handshake",
        permissions=["view"],
        url_path="agreement",
    )
    def agreement(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """All questions in a table, and one of them with its charts."""
        exam = get_object_or_404(Exam, pk=object_id)
        names = sees_candidates(request.user)
        found = of_exam(exam, names)
        more = {
            "exam": exam,
            "overall": _overall(found["overall"]),
            "questions": [_summary(one) for one in found["questions"]],
            "chosen": _chosen(request, exam, found["questions"]),
            "markers": [_marker(one) for one in workload(exam)] if names else [],
            "names": names,
            "may_manage": has_role(request.user, *self.writers),
            "shows_marks": MarkingPolicy.of(exam).shown == MarkingPolicy.Shown.MARK,
        }
        return page(self, request, "scoring/agreement.html", _("Agreement"), exam, **more)


def _chosen(
    request: HttpRequest, exam: Exam, questions: list[QuestionAgreement]
) -> dict[str, Any] | None:
    """The question that is asked for, else the first that people marked, else the first."""
    if not questions:
        return None
    wanted = request.GET.get("question")
    by_code = {one["question"]: one for one in questions}
    marked = (one for one in questions if one["machine"] or one["people"])
    found = by_code.get(wanted or "") or next(marked, questions[0])
    target = MarkingPolicy.of(exam).target_agreement
    scale = [float(found["points"]), float(found["step"])]
    curve, drift = found["coverage"], found["drift"]
    return {
        "told": found,
        "summary": _summary(found),
        "target": f"{target:.1%}",
        "heatmap": charts.heatmap(found["confusion"], *scale) if found["confusion"] else None,
        "coverage": charts.coverage_plot(curve, target, found["threshold"]),
        "coverage_rows": [
            [f"{one['threshold']:.3f}", one["count"], *_shares(one["coverage"], one["agreement"])]
            for one in curve
        ],
        "drift": charts.drift_plot(drift, target),
        "drift_rows": [
            [
                one["first"],
                one["count"],
                *_shares(one["exact"], *one["exact_interval"]),
                f"{one['bias']:+.2f}",
            ]
            for one in drift
        ],
        "markers": [(one["one"], one["other"], _shown(one["figures"])) for one in found["markers"]],
        "criteria": [
            (one, _shown(one["machine"]), _shown(one["people"])) for one in found["criteria"]
        ],
        "link": reverse("admin:scoring_question_change", args=[_key(exam, found)]),
    }


def _key(exam: Exam, found: QuestionAgreement) -> int:
    return exam.questions.values_list("pk", flat=True).get(code=found["question"])


def _summary(one: QuestionAgreement) -> dict[str, Any]:
    return {
        "code": one["question"],
        "label": one["label"] or one["question"],
        "open": one["open"],
        "unpredicted": one["unpredicted"],
        "out_of_fold": one["out_of_fold"],
        "machine": _shown(one["machine"]),
        "audit": _shown(one["audit"]),
        "people": _shown(one["people"]),
    }


def _shown(figures: Figures | None) -> dict[str, Any] | None:
    """As it is written on the page."""
    if figures is None:
        return None
    interval = figures["kappa_interval"]
    return {
        "count": figures["count"],
        "exact": f"{figures['exact']:.1%}",
        "adjacent": f"{figures['adjacent']:.1%}",
        "kappa": _kappa(figures["kappa"]),
        "interval": "" if interval is None else f"{interval[0]:.3f} – {interval[1]:.3f}",
        "mae": f"{figures['mae']:.2f}",
        "bias": f"{figures['bias']:+.2f}",
    }


def _overall(overall: Any) -> dict[str, Any] | None:
    if not overall["count"]:
        return None
    exact, adjacent = _shares(overall["exact"], overall["adjacent"])
    kappa = _kappa(overall["kappa"])
    return {"count": overall["count"], "exact": exact, "adjacent": adjacent, "kappa": kappa}


def _marker(one: Workload) -> dict[str, Any]:
    return {
        "name": one.marker.get_username(),
        "marks": one.marks,
        "seconds": NOTHING if one.seconds is None else f"{one.seconds:.0f}",
        "agreement": NOTHING if one.agreement is None else f"{one.agreement:.1%}",
        "compared": one.compared,
        "references": NOTHING if one.with_references is None else f"{one.with_references:.1%}",
        "reference_count": one.references,
    }


def _kappa(kappa: float | None) -> str:
    return NOTHING if kappa is None else f"{kappa:.3f}"


def _shares(*shares: float) -> list[str]:
    return [f"{share:.1%}" for share in shares]
