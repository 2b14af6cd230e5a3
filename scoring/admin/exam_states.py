"""Moving exams to other states; what cannot be undone is asked for on a page of its own."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pmscoring.base.admin import theme
from pmscoring.base.admin.classes import Admin
from pmscoring.base.admin.pages import confirmation
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.roles import has_role, signed_in
from scoring.exams import states
from scoring.models import Exam

MEANINGS = {
    "draft": gettext_lazy("The definition is being written. Answers are already accepted."),
    "trial": gettext_lazy("The machine marks, so that the criteria can be tried out."),
    "marking": gettext_lazy("People and the machine mark."),
    "fixed": gettext_lazy(
        "The results are final. Definition, answers and marks can no longer change; this cannot be"
        " undone."
    ),
    "published": gettext_lazy("The results have been published. This cannot be undone."),
}
FINAL = (Exam.Status.FIXED, Exam.Status.PUBLISHED)
NAMES = {
    "disputes": gettext_lazy("open disputes"),
    "queued": gettext_lazy("answers to be marked by people"),
    "unread": gettext_lazy("answers that the machine has not read"),
    "without_total": gettext_lazy("candidates without a total"),
}
LISTS = {
    "disputes": "review__exact=disputed",
    "queued": "review__exact=queued",
    "unread": "status__exact=failed",
}
"""Where the answers of a count are listed; candidates have no list of their own."""


class CodeForm(forms.Form):
    """The exam's code, typed to confirm that something is left unfinished."""

    code = forms.CharField(required=False, widget=theme.TextInput(attrs={"autocomplete": "off"}))
    shown = forms.JSONField(required=False, widget=forms.HiddenInput)

    def __init__(self, exam: Exam, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        words = _("Something is unfinished. To fix the results all the same, type: %(code)s")
        self.fields["code"].label = words % {"code": exam.code}


class ExamStates(Admin):
    """The states of an exam as actions of the list, and the page that asks before each."""

    actions: Any = ("become_trial", "become_marking", "become_fixed", "become_published")

    def has_manage_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return has_role(request.user, *self.writers)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.state_view)
        name = path("<int:pk>/state/<str:to>/", view, name="scoring_exam_state")
        return [name, *super().get_urls()]

    def state_view(self, request: HttpRequest, pk: int, to: str) -> HttpResponse:
        """GET says what the state means, and what is unfinished; POST moves the exam to it."""
        exam = get_object_or_404(Exam, pk=pk)
        if not self.has_manage_permission(request) or to not in Exam.Status.values:
            return to_exam(exam)
        if request.method != "POST":
            return self._ask(request, exam, to)
        typed = request.POST.get("code", "").strip()
        try:
            by = signed_in(request.user)
            states.become(exam, to, by=by, confirmed=typed, shown=_shown(request))
        except states.StillUnfinished as error:
            # Something may have become unfinished since the page was shown; it counts anew.
            alert = _not_confirmed(exam, typed, error)
            return self._ask(request, exam, to, typed=typed, alert=alert)
        except WrongState as error:
            self.message_failure(request, error)
        else:
            self._say_moved(request, exam)
        return to_exam(exam)

    def _ask(
        self, request: HttpRequest, exam: Exam, to: str, typed: str = "", **more: Any
    ) -> HttpResponse:
        names = {"exam": exam, "state": Exam.Status(to).label}
        asks = (exam.status, to) == (Exam.Status.MARKING, Exam.Status.FIXED)
        left = states.unfinished(exam) if asks else None
        return confirmation(
            self,
            request,
            _("Move %(exam)s to “%(state)s”?") % names,
            exam,
            meaning=str(MEANINGS[to]),
            back=reverse("admin:scoring_exam_change", args=[exam.pk]),
            final=to in FINAL,
            refusal=states.refusal(exam, to),
            template="scoring/exam_state.html",
            counts=_counts(exam, left) if left is not None else [],
            form=CodeForm(exam, {"code": typed, "shown": json.dumps(asdict(left))})
            if left
            else None,
            **more,
        )

    def _become(self, request: HttpRequest, exams: Iterable[Exam], state: str) -> None:
        for exam in exams:
            # Meanwhile another manager may have moved it, or an answer may have arrived that is
            # still to be scored: `become` decides under the lock of the exam.
            try:
                states.become(exam, state, by=signed_in(request.user))
            except WrongState as error:
                self.message_failure(request, error)
            else:
                self._say_moved(request, exam)

    def _say_moved(self, request: HttpRequest, exam: Exam) -> None:
        names = {"exam": exam, "state": exam.get_status_display()}
        self.message_user(request, _("%(exam)s is now: %(state)s") % names)

    def _ask_for_one(self, request: HttpRequest, queryset: Any, state: str) -> HttpResponse | None:
        """What cannot be undone is asked for each exam, on its own page."""
        exams = list(queryset)
        if len(exams) == 1:
            return HttpResponseRedirect(
                reverse("admin:scoring_exam_state", args=[exams[0].pk, state])
            )
        self.message_user(
            request, _("Choose one exam: this cannot be undone, so it is asked for each."), "error"
        )
        return None

    @admin.action(description=gettext_lazy("Begin the trial"), permissions=["manage"])
    def become_trial(self, request: HttpRequest, queryset: Any) -> None:
        self._become(request, queryset, Exam.Status.TRIAL)

    @admin.action(description=gettext_lazy("Begin the marking"), permissions=["manage"])
    def become_marking(self, request: HttpRequest, queryset: Any) -> None:
        self._become(request, queryset, Exam.Status.MARKING)

    @admin.action(
        description=gettext_lazy("Fix the results (cannot be undone)"), permissions=["manage"]
    )
    def become_fixed(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        return self._ask_for_one(request, queryset, Exam.Status.FIXED)

    @admin.action(
        description=gettext_lazy("Publish the results (cannot be undone)"), permissions=["manage"]
    )
    def become_published(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        return self._ask_for_one(request, queryset, Exam.Status.PUBLISHED)


def _counts(exam: Exam, left: states.Unfinished) -> list[dict[str, Any]]:
    answers = reverse("admin:scoring_answer_changelist")
    here = f"{answers}?question__exam__id__exact={exam.pk}"
    return [
        {
            "name": NAMES[name],
            "count": count,
            "link": f"{here}&{LISTS[name]}" if count and name in LISTS else "",
        }
        for name, count in asdict(left).items()
    ]


def _shown(request: HttpRequest) -> states.Unfinished:
    """What the page showed to be unfinished; nothing where it does not say."""
    try:
        counts = json.loads(request.POST.get("shown", ""))
    except ValueError:
        counts = None
    known = isinstance(counts, dict) and all(type(counts.get(name)) is int for name in NAMES)
    return states.Unfinished(**{name: counts[name] if known else 0 for name in NAMES})


def _not_confirmed(exam: Exam, typed: str, error: Exception) -> str:
    if not typed:
        return str(error)
    if typed == exam.code:
        return _("More is unfinished than this page showed. Look at the counts, and confirm again.")
    return _("“%(typed)s” is not the exam's code, %(code)s. Nothing was changed.") % {
        "typed": typed,
        "code": exam.code,
    }


def to_exam(exam: Exam) -> HttpResponse:
    """Back to the exam's page."""
    return HttpResponseRedirect(reverse("admin:scoring_exam_change", args=[exam.pk]))
