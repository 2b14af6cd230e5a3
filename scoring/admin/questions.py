"""Questions with their criteria and model answers.

Saving a question by hand has the effects of loading the changed definition.
"""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from pmscoring.base.admin import theme
from pmscoring.base.admin.classes import StackedInline
from pmscoring.base.faults import Invalid
from scoring import tasks
from scoring.admin import counts
from scoring.admin.calibration_pages import CalibrationPages
from scoring.admin.forms import CriterionForm, ModelAnswerForm, QuestionForm
from scoring.exams import definitions
from scoring.models import Answer, Criterion, Exam, ModelAnswer, Question, QuestionGroup, locks
from scoring.models.exams import number


class FreezesWithTheQuestion:
    """Rows of a question that can be changed until its exam is fixed."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed: bool = super().has_change_permission(request, obj)  # type: ignore[misc]
        return allowed and not _frozen(obj)

    has_add_permission = has_delete_permission = has_change_permission


def _frozen(question: Any) -> bool:
    return isinstance(question, Question) and question.exam.frozen


class CriterionInline(FreezesWithTheQuestion, StackedInline):
    model = Criterion
    form = CriterionForm
    fields = (("position", "code", "points"), "label", "references", "keywords")
    min_num = 1
    ordering = ("position", "pk")


class ModelAnswerInline(FreezesWithTheQuestion, StackedInline):
    model = ModelAnswer
    form = ModelAnswerForm
    fields = ("text",)


@admin.register(Question)
class QuestionAdmin(CalibrationPages):
    """The list of questions, and the page of each with its criteria and model answers."""

    form = QuestionForm
    inlines = (CriterionInline, ModelAnswerInline)
    list_display = ("code", "label", "exam", "group", "points", "limits", "progress")
    list_display_links = ("code", "label")
    list_filter = ("exam", "language", "count")
    list_select_related = ("exam", "group")
    search_fields = ("code", "label", "prompt")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("exam", "group"),
                    ("code", "label"),
                    ("position", "language"),
                    "prompt",
                    "passage",
                )
            },
        ),
        (
            _("Points and limits"),
            {
                "fields": (
                    ("max_points", "step"),
                    ("min_count", "max_count"),
                    ("count", "over_limit"),
                )
            },
        ),
        (_("Essay"), {"fields": (("sections", "ranks"),)}),
        (_("When people have marked"), {"fields": ("force",)}),
    )

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Question]":
        rows: QuerySet[Question] = super().get_queryset(request)
        return counts.with_counts(rows, "answers")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave out the last fieldset, `force`, where there is no change to be forced."""
        fieldsets = super().get_fieldsets(request, obj)
        can_force = obj and self.has_change_permission(request, obj)
        return fieldsets if can_force else fieldsets[:-1]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Exam and code cannot be changed, since clients refer to the question by them."""
        return ("exam", "code") if obj else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> Any:
        """A new question comes last in its exam."""
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        exam = str(initial.get("exam", ""))
        if exam.isdecimal():
            initial["position"] = Question.objects.filter(exam=int(exam)).count()
        return initial

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Offer the exams that are not fixed, and the groups of the question's own exam."""
        if db_field.name == "exam":
            frozen = (Exam.Status.FIXED, Exam.Status.PUBLISHED)
            options["queryset"] = Exam.objects.exclude(status__in=frozen)
        if db_field.name == "group":
            options["queryset"] = self._groups(request)
        return super().formfield_for_foreignkey(db_field, request, **options)

    def _groups(self, request: HttpRequest) -> "QuerySet[QuestionGroup]":
        key = (request.resolver_match.kwargs if request.resolver_match else {}).get("object_id", "")
        if key.isdecimal():
            return QuestionGroup.objects.filter(exam__questions=key)
        exam = request.POST.get("exam") or request.GET.get("exam") or ""
        return (
            QuestionGroup.objects.filter(exam=int(exam))
            if exam.isdecimal()
            else QuestionGroup.objects.none()
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not _frozen(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only a question without answers can be deleted, until its exam is fixed."""
        allowed = super().has_change_permission(request, obj)
        if not allowed or not isinstance(obj, Question) or _frozen(obj):
            return False
        return not Answer.everything.filter(question=obj).exists()

    def delete_model(self, request: HttpRequest, obj: Question) -> None:
        """Delete the question; PermissionDenied if it has answers by now, or its exam is fixed."""
        # As for an exam: whoever accepts answers shares it, so after this lock none can arrive.
        obj.exam = locks.lock_exam(obj.exam_id)
        if not self.has_delete_permission(request, obj):
            raise PermissionDenied
        obj.delete()

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any
    ) -> Any:
        """The form class with the faults that `changeform_view` left on the request."""
        form: Any = super().get_form(request, obj, change, **options)
        faults = tuple(getattr(request, "definition_faults", ()))
        return type(form.__name__, (form,), {"faults": faults})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: Any = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        """Save everything or nothing; on a refusal, show the typed values again with the faults."""
        try:
            # Raised through the transaction of the view, the refusal rolls all of it back.
            return super().changeform_view(request, object_id, form_url, extra_context)
        except Invalid as error:
            faults = [f"{fault['pointer'] or '/'}: {fault['detail']}" for fault in error.faults]
        except (definitions.WouldInvalidate, definitions.Frozen) as error:
            faults = [str(error)]
        setattr(request, "definition_faults", faults)  # noqa: B010  not an attribute of HttpRequest
        return super().changeform_view(request, object_id, form_url, extra_context)

    def lock(self, key: str) -> None:
        """The exam, as loading a definition does, before anything of the question is read."""
        Exam.objects.select_for_update(of=("self",)).filter(questions__pk=key).first()

    def whose_history(self, obj: Question) -> list[Any]:
        """A definition that was loaded is in the history of the exam."""
        return [obj, obj.exam]

    def save_model(self, request: HttpRequest, obj: Question, form: Any, change: bool) -> None:
        """Lock the exam, and write the columns that the form changed."""
        # Loading a definition and promoting a calibration lock the exam before its questions too,
        # so all of them wait for each other here, and the exam keeps its state until the end.
        locks.lock_exam(obj.exam_id)
        # The form read the question before the lock. Writing every column would take back a
        # calibration or a threshold that a worker or another manager put to use since.
        changed = [name for name in form.changed_data if name != "force"]
        obj.save(update_fields=changed if change else None)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Seal the question; if its definition changed, let its answers be scored again."""
        super().save_related(request, form, formsets, change)
        question: Question = form.instance
        # A worker may be scoring answers under the old definition. Where it changed, `apply_edit`
        # takes its claims away, and without its claim the worker's marks are not written.
        if definitions.apply_edit(question, form.cleaned_data.get("force", False)):
            waiting = question.answers.filter(status="waiting").count()
            message = ngettext(
                "%(count)d answer waits to be scored under the new definition.",
                "%(count)d answers wait to be scored under the new definition.",
                waiting,
            )
            self.message_user(request, message % {"count": waiting})
        tasks.nudge([question.pk])

    def response_post_save_change(self, request: HttpRequest, obj: Any) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("admin:scoring_exam_change", args=[obj.exam_id]))

    response_post_save_add = response_post_save_change

    @theme.display(description=_("points"), ordering="max_points")
    def points(self, question: Question) -> str:
        return str(number(question.max_points))

    @theme.display(description=_("limits"))
    def limits(self, question: Question) -> str:
        return limits(question)

    @theme.display(description=_("progress"))
    def progress(self, question: Question) -> str:
        return counts.bar(counts.counts(question))


def limits(question: Question) -> str:
    """The limits of the length, as "20–40 characters"; empty where there are none."""
    least, most = question.min_count, question.max_count
    if least is None and most is None:
        return ""
    length = str(most) if least is None else f"{least}–{'' if most is None else most}"
    cells = question.count == Question.Count.CELLS
    unit = _("%(length)s cells") if cells else _("%(length)s characters")
    return str(unit) % {"length": length}
