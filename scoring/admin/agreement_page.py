"""How well machine and people agree: the page of an exam, and the list of exams before it."""

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
from scoring.agreement.figures import exam_agreement
from scoring.agreement.shapes import Figures, QuestionAgreement
from scoring.models import Answer, Exam, Mark, MarkingPolicy
from scoring.review.workload import Workload, workload

MOST_EXAMS = 100
NOTHING = "–"


class ExamAgreementPage(ExamDownloads):
    """The agreement page, reached from an exam's page or from the list of exams."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.agreements_view)
        return [path("agreement/", view, name="scoring_exam_agreements"), *super().get_urls()]

    def agreements_view(self, request: HttpRequest) -> HttpResponse:
        """The newest exams, each with the number of answers that people settled."""
        exams = Exam.objects.all()[:MOST_EXAMS] if self.has_view_permission(request) else []
        settled = Answer.objects.filter(
            question__exam__in=[exam.pk for exam in exams],
            final_source__in=Mark.PEOPLE,
        )
        counts = dict(
            settled.order_by().values_list("question__exam").annotate(count=Count("pk")).iterator()
        )
        rows = [(exam, counts.get(exam.pk, 0)) for exam in exams]
        return page(self, request, "scoring/agreements.html", _("Agreement"), None, rows=rows)

    @theme.action(
        description=gettext_lazy("Agreement"),
        icon="handshake",
        permissions=["view"],
        url_path="agreement",
    )
    def agreement(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """A table of all questions, and one question with its charts."""
        exam = get_object_or_404(Exam, pk=object_id)
        names = sees_candidates(request.user)
        agreement = exam_agreement(exam, names)
        context = {
            "exam": exam,
            "overall": _overall(agreement["overall"]),
            "questions": [_summary(question) for question in agreement["questions"]],
            "chosen": _chosen(request, exam, agreement["questions"]),
            "markers": [_marker(row) for row in workload(exam)] if names else [],
            "names": names,
            "may_manage": has_role(request.user, *self.writers),
            "shows_marks": MarkingPolicy.of(exam).shown == MarkingPolicy.Shown.MARK,
        }
        return page(self, request, "scoring/agreement.html", _("Agreement"), exam, **context)


def _chosen(
    request: HttpRequest, exam: Exam, questions: list[QuestionAgreement]
) -> dict[str, Any] | None:
    """The question that the query names, else the first that was compared, else the first."""
    if not questions:
        return None
    code = request.GET.get("question") or ""
    by_code = {question["question"]: question for question in questions}
    compared = (question for question in questions if question["machine"] or question["people"])
    question = by_code.get(code) or next(compared, questions[0])
    return {
        "question": question,
        "summary": _summary(question),
        "markers": [
            (pair["one"], pair["other"], _formatted(pair["figures"]))
            for pair in question["markers"]
        ],
        "criteria": [
            (criterion, _formatted(criterion["machine"]), _formatted(criterion["people"]))
            for criterion in question["criteria"]
        ],
        "link": reverse("admin:scoring_question_change", args=[_key(exam, question)]),
        **_charts(question, MarkingPolicy.of(exam).target_agreement),
    }


def _charts(question: QuestionAgreement, target: float) -> dict[str, Any]:
    """The question's charts, with the rows of the tables below them."""
    confusion, scale = question["confusion"], (question["points"], question["step"])
    return {
        "target": f"{target:.1%}",
        "heatmap": charts.heatmap(confusion, *scale) if confusion else None,
        "coverage": charts.coverage_plot(question["coverage"], target, question["threshold"]),
        "coverage_rows": [
            [f"{cut['threshold']:.3f}", cut["count"], *_shares(cut["coverage"], cut["agreement"])]
            for cut in question["coverage"]
        ],
        "drift": charts.drift_plot(question["drift"], target),
        "drift_rows": [
            [
                period["first"],
                period["count"],
                *_shares(period["exact"], *period["exact_interval"]),
                f"{period['bias']:+.2f}",
            ]
            for period in question["drift"]
        ],
    }


def _key(exam: Exam, question: QuestionAgreement) -> int:
    return exam.questions.values_list("pk", flat=True).get(code=question["question"])


def _summary(question: QuestionAgreement) -> dict[str, Any]:
    return {
        "code": question["question"],
        "label": question["label"] or question["question"],
        "open": question["open"],
        "unpredicted": question["unpredicted"],
        "out_of_fold": question["out_of_fold"],
        "machine": _formatted(question["machine"]),
        "audit": _formatted(question["audit"]),
        "people": _formatted(question["people"]),
    }


def _formatted(figures: Figures | None) -> dict[str, Any] | None:
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


def _marker(row: Workload) -> dict[str, Any]:
    return {
        "name": row.marker.get_username(),
        "marks": row.marks,
        "seconds": NOTHING if row.seconds is None else f"{row.seconds:.0f}",
        "agreement": NOTHING if row.agreement is None else f"{row.agreement:.1%}",
        "compared": row.compared,
        "references": NOTHING if row.with_references is None else f"{row.with_references:.1%}",
        "reference_count": row.references,
    }


def _kappa(kappa: float | None) -> str:
    return NOTHING if kappa is None else f"{kappa:.3f}"


def _shares(*shares: float) -> list[str]:
    return [f"{share:.1%}" for share in shares]
