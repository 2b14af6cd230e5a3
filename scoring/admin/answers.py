"""Submissions and answers: read-only, except that failed answers can be scored again."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from pmscoring.base import texts
from pmscoring.base.admin import theme
from pmscoring.base.admin.classes import Admin, ReadOnly
from pmscoring.base.admin.labels import labels
from pmscoring.base.audit import record
from pmscoring.base.roles import ADJUDICATOR, MANAGER, MARKER, VIEWER, has_role, sees_candidates
from scoring import tasks
from scoring.admin import answer_page, colours, flags
from scoring.admin.withdrawals import Withdraws
from scoring.machine import batches
from scoring.marks import visibility
from scoring.models import Answer, Mark, Question, Submission
from scoring.models.exams import number
from scoring.models.people import may_read_all, questions_to_mark, readable

MOST_QUESTIONS = 200


class QuestionFilter(admin.SimpleListFilter):
    """Filters by question, and offers those of the exam that the list is filtered by."""

    title = _("question")
    parameter_name = "question"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        questions = Question.objects.select_related("exam")
        if not may_read_all(request.user):
            questions = questions.filter(pk__in=questions_to_mark(request.user))
        exam = request.GET.get("question__exam__id__exact", "")
        if exam.isdecimal():
            questions = questions.filter(exam=int(exam))
        return [(str(question.pk), str(question)) for question in questions[:MOST_QUESTIONS]]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Answer]") -> "QuerySet[Answer]":
        value = self.value() or ""
        return queryset.filter(question=int(value)) if value.isdecimal() else queryset


class FlagFilter(admin.SimpleListFilter):
    """Filters by flag, or by having any."""

    title = _("flag")
    parameter_name = "flag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("any", str(_("any flag"))), *((code, flags.name(code)) for code in flags.NAMES)]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Answer]") -> "QuerySet[Answer]":
        if self.value() == "any":
            return queryset.exclude(flags=[])
        return queryset.filter(flags__contains=[self.value()]) if self.value() else queryset


@admin.register(Answer)
class AnswerAdmin(Admin):
    """The list of answers, and the page of each with its evidence and marks."""

    readers = (MANAGER, VIEWER, MARKER, ADJUDICATOR)
    writers = (MANAGER,)
    actions = ("retry_selected",)
    list_select_related = ("question__exam", "submission")
    show_full_result_count = True
    search_help_text = _("words of the answer")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Answer]":
        """Annotate `suggested`, the points of the machine's mark in force."""
        points = Mark.objects.in_force_of_outer().order_by("-pk").values("points")[:1]
        rows: QuerySet[Answer] = readable(super().get_queryset(request), request.user)
        return rows.annotate(suggested=Subquery(points))

    def get_list_display(self, request: HttpRequest) -> Any:
        first = ["number", "candidate"] if sees_candidates(request.user) else ["number"]
        # What a marker may see depends on the answer, but a column shows every row or none. So
        # markers get no column of marks here; the page of each answer decides what they see.
        if not visibility.sees_every_mark(request.user):
            return [*first, "question_label", "excerpt", "scoring_state", "flag_names"]
        last = ["flag_names", "suggestion", "final"]
        return [*first, "question_label", "excerpt", "states", *last]

    def get_list_filter(self, request: HttpRequest) -> Any:
        """Markers filter by what the list shows them anyway, and could infer no hidden mark."""
        review = ["review", "review_reason"] if visibility.sees_every_mark(request.user) else []
        exam = ("question__exam", admin.RelatedOnlyFieldListFilter)
        own = "question__exam" if may_read_all(request.user) else exam
        return [own, QuestionFilter, "status", *review, FlagFilter]

    def get_search_fields(self, request: HttpRequest) -> Any:
        return ("text", "submission__candidate") if sees_candidates(request.user) else ("text",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What a candidate wrote is never changed."""
        return False

    def has_retry_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return has_role(request.user, *self.writers)

    @theme.display(description="#", ordering="pk")
    def number(self, answer: Answer) -> str:
        return f"#{answer.pk}"

    @theme.display(description=_("candidate"), ordering="submission__candidate")
    def candidate(self, answer: Answer) -> str:
        return format_html('<span class="pms-number">{}</span>', answer.submission.candidate)

    @theme.display(description=_("question"), ordering="question")
    def question_label(self, answer: Answer) -> str:
        question = answer.question
        return format_html(
            '<span class="pms-two" title="{}">{}<br><small class="pms-none">{}</small></span>',
            question.exam.title,
            question.label or question.code,
            question.exam.code,
        )

    @theme.display(description=_("text"))
    def excerpt(self, answer: Answer) -> str:
        return format_html(
            '<span class="pms-excerpt">{}</span>', texts.beginning(answer.text, 90) or "—"
        )

    @theme.display(description=_("status"), ordering="status")
    def states(self, answer: Answer) -> str:
        """The state of the scoring, and that of the review where there is one."""
        states = [(colours.ANSWER[answer.status], answer.get_status_display())]
        if answer.review != Answer.Review.NONE:
            states.append((colours.REVIEW[answer.review], answer.get_review_display()))
        return labels(states)

    @theme.display(description=_("status"), ordering="status")
    def scoring_state(self, answer: Answer) -> str:
        """The state of the scoring alone, for markers."""
        return labels([(colours.ANSWER[answer.status], answer.get_status_display())])

    @theme.display(description=_("flags"))
    def flag_names(self, answer: Answer) -> str:
        names = ((flags.name(code),) for code in answer.flags)
        return format_html_join("", '<span class="pms-flag">{}</span>', names)

    @theme.display(description=_("suggestion"), ordering="suggested", empty_value="–")
    def suggestion(self, answer: Any) -> str | None:
        return _points_text(answer.suggested, answer.question)

    @theme.display(description=_("final"), ordering="final_points", empty_value="–")
    def final(self, answer: Answer) -> str | None:
        return _points_text(answer.final_points, answer.question)

    @admin.action(description=_("Score failed answers again"), permissions=["retry"])
    def retry_selected(self, request: HttpRequest, queryset: "QuerySet[Answer]") -> None:
        self._retry(request, Answer.objects.filter(pk__in=queryset.values("pk")))

    def _retry(self, request: HttpRequest, answers: "QuerySet[Answer]") -> None:
        questions = set(answers.order_by().values_list("question", flat=True))
        # Pressed twice, or while a worker claims answers: what is being scored by now, or is
        # scored, is left alone, for `retry` is one UPDATE of those that failed or were put off.
        count = batches.retry(answers)
        tasks.nudge(questions)
        message = ngettext("%(count)d answer waits again.", "%(count)d answers wait again.", count)
        self.message_user(request, message % {"count": count})

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.retry_view)
        retry = path("<int:pk>/retry/", view, name="scoring_answer_retry")
        return [retry, *super().get_urls()]

    def retry_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """POST lets this answer wait again if its scoring failed or was put off."""
        if request.method == "POST" and self.has_retry_permission(request):
            self._retry(request, Answer.objects.filter(pk=pk))
        return HttpResponseRedirect(reverse("admin:scoring_answer_change", args=[pk]))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The list, which is recorded in the audit log, since it shows parts of the texts."""
        response = super().changelist_view(request, extra_context)
        context = getattr(response, "context_data", None) or {}
        if "cl" in context:
            keys = [answer.pk for answer in context["cl"].result_list]
            record("read", request.user, answers=keys)
        return response

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """One answer with its evidence and marks, which is recorded in the audit log."""
        answer = self.get_object(request, object_id)
        if answer is None or not self.has_view_permission(request, answer):
            raise Http404
        record("read", request.user, answer=answer.pk)
        page = answer_page.page(answer, request.user)
        context = {
            **self.admin_site.each_context(request),
            **page,
            **answer_page.neighbours(answer, readable(Answer.objects.all(), request.user)),
            "opts": self.opts,
            "original": answer,
            "title": str(answer),
            "candidate": answer.submission.candidate if sees_candidates(request.user) else None,
            "status_colour": colours.ANSWER[answer.status],
            "review_colour": colours.REVIEW.get(page["review"]),
            "may_retry": answer.status == Answer.Status.FAILED
            and self.has_retry_permission(request),
            "may_edit": has_role(request.user, MANAGER),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "scoring/answer.html", context)


def _points_text(points: Any, question: Question) -> str | None:
    if points is None:
        return None
    text = f"{number(points)} / {number(question.max_points)}"
    return format_html('<span class="pms-number">{}</span>', text)


@admin.register(Submission)
class SubmissionAdmin(Withdraws, ReadOnly):
    """What one candidate handed in at one attempt."""

    list_filter = ("exam", "absent", "created_at")
    list_select_related = ("exam", "batch")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Submission]":
        rows: QuerySet[Submission] = super().get_queryset(request)
        return rows.annotate(answer_count=Count("answers", filter=Q(answers__counts=True)))

    def get_list_display(self, request: HttpRequest) -> Any:
        first = ["number", "candidate"] if sees_candidates(request.user) else ["number"]
        return [*first, "exam", "attempt", "absent", "answer_count", "batch", "created_at"]

    def get_search_fields(self, request: HttpRequest) -> Any:
        return ("candidate",) if sees_candidates(request.user) else ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        first = ["candidate"] if sees_candidates(request.user) else []
        back = self.withdrawing_fields(request, obj)
        return ["exam", *first, "attempt", "absent", "batch", "created_at", "handed_in", *back]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_fields(request, obj)

    @theme.display(description="#", ordering="pk")
    def number(self, submission: Submission) -> str:
        return f"#{submission.pk}"

    @theme.display(description=_("answers"), ordering="answer_count")
    def answer_count(self, submission: Any) -> int:
        count: int = submission.answer_count
        return count

    @theme.display(description=_("answers"))
    def handed_in(self, submission: Submission) -> str:
        answers = submission.answers.select_related("question").order_by("question__position")
        rows = (
            (
                reverse("admin:scoring_answer_change", args=[answer.pk]),
                answer.question.label or answer.question.code,
                answer.get_status_display(),
                _points_text(answer.final_points, answer.question) or "–",
                texts.beginning(answer.text, 80),
            )
            for answer in answers
        )
        row = (
            '<tr><td class="pms-number"><a class="pms-link" href="{}">{}</a></td>'
            '<td class="pms-number">{}</td><td>{}</td><td>{}</td></tr>'
        )
        return format_html('<table class="pms-table">{}</table>', format_html_join("", row, rows))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """One submission, which is recorded in the audit log."""
        response = super().change_view(request, object_id, form_url, extra_context)
        record("read", request.user, submission=object_id)
        return response
