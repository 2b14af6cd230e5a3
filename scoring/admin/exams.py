"""Exams: their list with how far each is, and the page of one with its questions."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from pmscoring.base.admin import theme
from pmscoring.base.admin.classes import TabularInline, counted
from scoring.admin import colours, counts
from scoring.admin.exam_actions import MEANINGS, ExamActions
from scoring.admin.policies import PolicyInline
from scoring.admin.questions import limits
from scoring.marks import settlement
from scoring.models import Exam, MarkingPolicy, QuestionGroup, Submission
from scoring.models.exams import number


class GroupInline(TabularInline):
    """Groups of questions from which candidates choose."""

    model = QuestionGroup
    fields = ("code", "label", "choose", "over_answering")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not once the exam is fixed."""
        return super().has_change_permission(request, obj) and not _frozen(obj)

    has_add_permission = has_delete_permission = has_change_permission


def _frozen(exam: Any) -> bool:
    return isinstance(exam, Exam) and exam.frozen


@admin.register(Exam)
class ExamAdmin(ExamActions):
    """The list and the page of exams."""

    list_display = (
        "code_and_title",
        "state",
        "submission_count",
        "waiting",
        "scoring_now",
        "scored",
        "failed",
        "progress",
        "created_at",
    )
    list_filter = ("status", "language", "created_at")
    search_fields = ("code", "title")
    inlines = (GroupInline, PolicyInline)
    change_form_outer_before_template = "scoring/exam_summary.html"

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Exam]":
        """With counts of submissions and answers."""
        found = counts.with_counts(super().get_queryset(request), "questions__answers")
        submissions = counted(Submission.objects.all(), "exam")
        exams: QuerySet[Exam] = found.annotate(submission_count=submissions)
        return exams

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A new exam begins as a draft."""
        first = ["code", ("title", "language")]
        return (
            [*first, "delete_answers_on"]
            if obj is None
            else [*first, ("delete_answers_on", "created_at")]
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """An exam keeps its code, by which clients name it."""
        return ("code", "created_at") if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not once it is fixed."""
        return super().has_change_permission(request, obj) and not _frozen(obj)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """What is final and what people are asked follows from the policy."""
        super().save_related(request, form, formsets, change)
        if any(one.model is MarkingPolicy and one.has_changed() for one in formsets):
            settlement.settle_exam(form.instance)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only an exam into which nothing was handed in."""
        allowed = super().has_change_permission(request, obj)
        return allowed and isinstance(obj, Exam) and not obj.submissions.exists()

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """An exam takes its questions and groups with it; has_delete_permission kept the rest."""
        found, counts_by_model, _needed, _protected = super().get_deleted_objects(objs, request)
        return found, counts_by_model, set(), []

    def delete_model(self, request: HttpRequest, obj: Exam) -> None:
        """Questions first, for they keep their group from being deleted."""
        obj.questions.all().delete()
        obj.delete()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """With progress, questions and the state's way on."""
        exam = self.get_object(request, object_id)
        more = {} if exam is None else self._summary(request, exam)
        return super().change_view(request, object_id, form_url, {**more, **(extra_context or {})})

    def _summary(self, request: HttpRequest, exam: Any) -> dict[str, Any]:
        questions = counts.with_counts(exam.questions.select_related("group"), "answers")
        rows = [
            {
                "question": question,
                "counts": counts.counts(question),
                "bar": counts.bar(counts.counts(question)),
                "most": number(question.max_points),
                "limits": limits(question),
            }
            for question in questions.order_by("position", "pk")
        ]
        return {
            "exam": exam,
            "rows": rows,
            "counts": (found := counts.counts(exam)),
            "total": sum(found.values()),
            "bar": counts.bar(found),
            "states": [(state, str(Exam.Status(state).label)) for state in Exam.Status.values],
            "ways": [(to, str(Exam.Status(to).label)) for to in Exam.FLOW.get(exam.status, ())],
            "may_manage": self.has_manage_permission(request),
            "meaning": MEANINGS[exam.status],
        }

    @theme.display(description=_("exam"), ordering="code", header=True)
    def code_and_title(self, exam: Exam) -> list[str]:
        """Both in one cell."""
        return [exam.title, exam.code]

    @theme.display(description=_("state"), ordering="status", label=colours.EXAM)
    def state(self, exam: Exam) -> tuple[str, str]:
        """In its colour."""
        return exam.status, exam.get_status_display()

    @theme.display(description=_("submissions"), ordering="submission_count")
    def submission_count(self, exam: Any) -> int:
        """How many."""
        return int(exam.submission_count or 0)

    @theme.display(description=_("waiting"), ordering="waiting")
    def waiting(self, exam: Any) -> int:
        """How many answers."""
        return int(exam.waiting)

    @theme.display(description=_("scoring"), ordering="scoring")
    def scoring_now(self, exam: Any) -> int:
        """How many answers."""
        return int(exam.scoring)

    @theme.display(description=_("scored"), ordering="scored")
    def scored(self, exam: Any) -> int:
        """How many answers."""
        return int(exam.scored)

    @theme.display(description=_("failed"), ordering="failed")
    def failed(self, exam: Any) -> int:
        """How many answers."""
        return int(exam.failed)

    @theme.display(description=_("progress"))
    def progress(self, exam: Exam) -> str:
        """Of its answers."""
        return counts.bar(counts.counts(exam))
