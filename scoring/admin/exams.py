"""Exams: the list with their progress, and the page of one with its questions."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from pmscoring.base.admin import theme
from pmscoring.base.admin.classes import TabularInline, counted
from scoring import tasks
from scoring.admin import colours, counts
from scoring.admin.exam_actions import ExamActions
from scoring.admin.exam_form import ExamForm, asks_to_force, asks_what_it_deletes
from scoring.admin.exam_states import MEANINGS
from scoring.admin.policies import PolicyInline
from scoring.admin.questions import limits
from scoring.exams import definitions
from scoring.marks import settlement
from scoring.models import Exam, MarkingPolicy, QuestionGroup, Submission, locks
from scoring.models.exams import number


class GroupInline(TabularInline):
    """Groups of questions from which candidates choose; of a fixed exam they no longer change."""

    model = QuestionGroup
    fields = ("code", "label", "choose", "over_answering")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not _frozen(obj)

    has_add_permission = has_delete_permission = has_change_permission


def _frozen(exam: Any) -> bool:
    return isinstance(exam, Exam) and exam.frozen


@admin.register(Exam)
class ExamAdmin(ExamActions):
    """The list of exams, and the page of each; a fixed exam can no longer be changed."""

    list_display = (
        "code_and_title",
        "state",
        "submission_count",
        "waiting",
        "scoring_now",
        "scored",
        "failed",
        "queued",
        "disputed",
        "progress",
        "created_at",
    )
    form = ExamForm
    list_filter = ("status", "language", "created_at")
    search_fields = ("code", "title")
    inlines = (GroupInline, PolicyInline)
    change_form_outer_before_template = "scoring/exam_summary.html"

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Exam]":
        submissions = counted(Submission.objects.all(), "exam")
        rows = super().get_queryset(request).annotate(submission_count=submissions)
        exams: QuerySet[Exam] = counts.with_counts(rows, "questions__answers")
        return exams

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        last = "delete_answers_on" if obj is None else ("delete_answers_on", "created_at")
        deletes = ["deletes"] if asks_what_it_deletes(request, obj) else []
        force = ["force"] if asks_to_force(request, obj) else []
        names = ["code", ("title", "language"), ("starts_at", "ends_at"), last, *deletes]
        return [*names, "no_answers", *force]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The code cannot be changed, since clients refer to the exam by it."""
        return ("code", "created_at") if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not _frozen(obj)

    def lock(self, key: str) -> None:
        """Whoever changes an exam or what is below it locks the exam."""
        Exam.objects.select_for_update().filter(pk=key).first()

    def save_model(self, request: HttpRequest, obj: Exam, form: Any, change: bool) -> None:
        """Write the columns that the form changed; PermissionDenied if the exam is fixed by now."""
        # The form read the exam without a lock, and another request may have moved it on since.
        # Writing every column would take that move back, and a fixed exam must not change at all.
        # The lock keeps the state until a changed policy is settled at the end of this request.
        if change and locks.lock_exam(obj.pk).frozen:
            raise PermissionDenied
        changed = [name for name in form.changed_data if name not in ("deletes", "force")]
        obj.save(update_fields=changed if change else None)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Settle all answers again if the policy changed, score them again if the phrases did."""
        super().save_related(request, form, formsets, change)
        if change and "no_answers" in form.changed_data:
            force = form.cleaned_data.get("force", False)
            tasks.nudge(definitions.apply_phrases(form.instance, force))
        if any(formset.model is MarkingPolicy and formset.has_changed() for formset in formsets):
            settlement.settle_exam(form.instance)

    def response_post_save_add(self, request: HttpRequest, obj: Exam) -> HttpResponseRedirect:
        """After a new exam comes its first question."""
        address = reverse("admin:scoring_question_add", query={"exam": obj.pk})
        return HttpResponseRedirect(address)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only an exam without submissions can be deleted."""
        allowed = super().has_change_permission(request, obj)
        if not allowed or not isinstance(obj, Exam):
            return False
        return not Submission.everything.filter(exam=obj).exists()

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Questions and groups are deleted along without permissions of their own.

        Nothing else can hang on an exam that `has_delete_permission` lets go.
        """
        objects, model_count, _needed, _protected = super().get_deleted_objects(objs, request)
        return objects, model_count, set(), []

    def delete_model(self, request: HttpRequest, obj: Exam) -> None:
        """Delete the exam; PermissionDenied if something was handed in to it by now."""
        # A submission accepted after the permission was checked would be deleted along. Whoever
        # accepts submissions shares the exam, so after this lock there are no more to come.
        locks.lock_exam(obj.pk)
        if not self.has_delete_permission(request, obj):
            raise PermissionDenied
        # Questions first, since they protect their group.
        obj.questions.all().delete()
        obj.delete()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Add the context of scoring/exam_summary.html."""
        exam = self.get_object(request, object_id)
        context = {} if exam is None else self._summary(request, exam)
        context |= extra_context or {}
        return super().change_view(request, object_id, form_url, context)

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
            "counts": (by_name := counts.counts(exam)),
            "total": counts.total(by_name),
            "bar": counts.bar(by_name),
            "states": Exam.Status.choices,
            "next_states": [
                (state, Exam.Status(state).label) for state in Exam.FLOW.get(exam.status, ())
            ],
            "may_manage": self.has_manage_permission(request),
            "meaning": MEANINGS[exam.status],
        }

    @theme.display(description=_("exam"), ordering="code", header=True)
    def code_and_title(self, exam: Exam) -> list[str]:
        return [exam.title, exam.code]

    @theme.display(description=_("state"), ordering="status", label=colours.EXAM)
    def state(self, exam: Exam) -> tuple[str, str]:
        return exam.status, exam.get_status_display()

    @theme.display(description=_("submissions"), ordering="submission_count")
    def submission_count(self, exam: Any) -> int:
        return int(exam.submission_count or 0)

    @theme.display(description=_("waiting"), ordering="waiting")
    def waiting(self, exam: Any) -> int:
        return int(exam.waiting)

    @theme.display(description=_("scoring"), ordering="scoring")
    def scoring_now(self, exam: Any) -> int:
        return int(exam.scoring)

    @theme.display(description=_("scored"), ordering="scored")
    def scored(self, exam: Any) -> int:
        return int(exam.scored)

    @theme.display(description=_("failed"), ordering="failed")
    def failed(self, exam: Any) -> int:
        return int(exam.failed)

    @theme.display(description=_("in the queue"), ordering="queued")
    def queued(self, exam: Any) -> int:
        return int(exam.queued)

    @theme.display(description=_("disputed"), ordering="disputed")
    def disputed(self, exam: Any) -> int:
        return int(exam.disputed)

    @theme.display(description=_("progress"))
    def progress(self, exam: Exam) -> str:
        return counts.bar(counts.counts(exam))
