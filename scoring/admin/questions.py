"""Questions with their criteria and model answers; a change means what loading it means."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from pmscoring.base.admin import theme
from pmscoring.base.admin.classes import StackedInline
from scoring import tasks
from scoring.admin import counts
from scoring.admin.calibration_pages import CalibrationPages
from scoring.admin.forms import CriterionForm, ModelAnswerForm, QuestionForm
from scoring.contract.faults import Invalid
from scoring.exams import definitions
from scoring.models import Criterion, Exam, ModelAnswer, Question, QuestionGroup, locks
from scoring.models.exams import number


class FreezesWithTheQuestion:
    """Rows of a question, which change only as long as its exam does."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not once the exam is fixed."""
        allowed: bool = super().has_change_permission(request, obj)  # type: ignore[misc]
        return allowed and not _frozen(obj)

    has_add_permission = has_delete_permission = has_change_permission


def _frozen(question: Any) -> bool:
    return isinstance(question, Question) and question.exam.frozen


class CriterionInline(FreezesWithTheQuestion, StackedInline):
    """Criteria in their order."""

    model = Criterion
    form = CriterionForm
    fields = (("position", "code", "points"), "label", "references", "keywords")
    min_num = 1
    ordering = ("position", "pk")


class ModelAnswerInline(FreezesWithTheQuestion, StackedInline):
    """Model answers."""

    model = ModelAnswer
    form = ModelAnswerForm
    fields = ("text",)


@admin.register(Question)
class QuestionAdmin(CalibrationPages):
    """The list of questions, and one with all that belongs to it."""

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
        """With counts of answers."""
        found: QuerySet[Question] = counts.with_counts(super().get_queryset(request), "answers")
        return found

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Whether to force is asked only where there is something to be forced."""
        found = super().get_fieldsets(request, obj)
        return found if obj and self.has_change_permission(request, obj) else found[:-1]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A question keeps its exam and its code, by which clients name it."""
        return ("exam", "code") if obj else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> Any:
        """The next position of the exam."""
        found = super().get_changeform_initial_data(request)
        if str(found.get("exam", "")).isdecimal():
            return {
                **found,
                "position": Question.objects.filter(exam=int(str(found["exam"]))).count(),
            }
        return found

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Exams that may change; groups of the question's own exam."""
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
        """Not once the exam is fixed."""
        return super().has_change_permission(request, obj) and not _frozen(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only a question that no one has answered, of an exam that may change."""
        allowed = super().has_change_permission(request, obj)
        return (
            allowed and isinstance(obj, Question) and not _frozen(obj) and not obj.answers.exists()
        )

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any
    ) -> Any:
        """The form that knows the faults which the rules found."""
        form: Any = super().get_form(request, obj, change, **options)
        told = getattr(request, "definition_faults", ())
        return type(form.__name__, (form,), {"faults": tuple(told)})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: Any = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        """Saved as a whole or not at all; refused, the page comes back with what was typed."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except Invalid as error:
            told = [f"{one['pointer'] or '/'}: {one['detail']}" for one in error.faults]
        except (definitions.WouldInvalidate, definitions.Frozen) as error:
            told = [str(error)]
        setattr(request, "definition_faults", told)  # noqa: B010  not an attribute of HttpRequest
        return super().changeform_view(request, object_id, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: Question, form: Any, change: bool) -> None:
        """With its exam locked first: see scoring/models/locks.py."""
        locks.lock_exam(obj.exam_id)
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Afterwards the question is sealed, and its answers wait again where it changed."""
        super().save_related(request, form, formsets, change)
        question: Question = form.instance
        if definitions.edited(question, form.cleaned_data.get("force", False)):
            waiting = question.answers.filter(status="waiting").count()
            told = ngettext(
                "%(count)d answer waits to be scored under the new definition.",
                "%(count)d answers wait to be scored under the new definition.",
                waiting,
            )
            self.message_user(request, told % {"count": waiting})
        tasks.nudge([question.pk])

    def response_post_save_change(self, request: HttpRequest, obj: Any) -> HttpResponseRedirect:
        """Back to the exam."""
        return HttpResponseRedirect(reverse("admin:scoring_exam_change", args=[obj.exam_id]))

    response_post_save_add = response_post_save_change

    @theme.display(description=_("points"), ordering="max_points")
    def points(self, question: Question) -> str:
        """The most one can earn."""
        return str(number(question.max_points))

    @theme.display(description=_("limits"))
    def limits(self, question: Question) -> str:
        """As the prompt would say it."""
        return limits(question)

    @theme.display(description=_("progress"))
    def progress(self, question: Question) -> str:
        """Of its answers."""
        return counts.bar(counts.counts(question))


def limits(question: Question) -> str:
    """The limits in words, empty where there are none."""
    least, most = question.min_count, question.max_count
    if least is None and most is None:
        return ""
    told = f"{'' if least is None else least}–{'' if most is None else most}"
    words = {"told": told.removeprefix("–") if least is None else told}
    if question.count == Question.Count.CELLS:
        return str(_("%(told)s cells")) % words
    return str(_("%(told)s characters")) % words
