"""Managers make markers, adjudicators and viewers, and assign markers to exams and questions."""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from pmscoring.base import role_words
from pmscoring.base.admin import plain_forms, theme
from pmscoring.base.admin.meanwhile import refusal
from pmscoring.base.faults import Fault, Invalid
from pmscoring.base.roles import MANAGER, MARKER, roles_of, signed_in
from scoring import people
from scoring.admin.marking_page.pages import desk_page
from scoring.models import Assignment, Exam
from scoring.review import assignments

WHOLE = "all"


class PersonForm(forms.Form):
    """An account that a manager makes or changes."""

    name = forms.CharField(
        label=capfirst(_("full name")), max_length=150, required=False, widget=theme.TextInput
    )
    roles = forms.MultipleChoiceField(
        label=capfirst(_("roles")),
        choices=lambda: role_words.choices(people.GIVEN),
        widget=theme.CheckboxSelectMultiple,
        initial=[MARKER],
    )


class NewPersonForm(PersonForm):
    """A new account."""

    username = forms.CharField(
        label=capfirst(_("user name")),
        max_length=150,
        widget=theme.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
        help_text=_("Letters, digits and @ . + - _ only. It is what they sign in with."),
    )
    field_order = ("username", "name", "roles")


class KnownPersonForm(PersonForm):
    """An account that is there."""

    is_active = forms.BooleanField(
        label=capfirst(_("may sign in")), required=False, widget=theme.Checkbox
    )


def _page(request: HttpRequest, template: str, title: Any, **more: Any) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": title, "page_title": title, **more}
    request.current_app = admin.site.name
    return TemplateResponse(request, f"scoring/people/{template}.html", context)


def _add_faults(form: forms.Form, faults: Iterable[Fault]) -> None:
    for fault in faults:
        field = fault["pointer"].removeprefix("/")
        form.add_error(field if field in form.fields else None, fault["detail"])


def _tell(request: HttpRequest, person: User, password: str) -> None:
    words = _("The password of %(user)s, which is shown only now:") % {"user": person.username}
    shown = format_html("{} <code>{}</code>", words, password)
    messages.success(request, shown)


@desk_page(MANAGER)
def everybody(request: HttpRequest) -> HttpResponse:
    """The accounts that the manager looks after, with their roles and exams."""
    rows = people.managed(signed_in(request.user)).prefetch_related("groups")
    parts = Assignment.objects.filter(marker__in=rows).select_related("exam")
    codes: dict[int, list[str]] = {}
    for part in parts.order_by("exam__code"):
        if part.exam.code not in codes.setdefault(part.marker_id, []):
            codes[part.marker_id].append(part.exam.code)
    listed = [
        {
            "person": person,
            "roles": [role_words.name(group.name) for group in person.groups.all()],
            "exams": codes.get(person.pk, []),
        }
        for person in rows
    ]
    exams = Exam.objects.exclude(status__in=[Exam.Status.FIXED, Exam.Status.PUBLISHED])
    roles = role_words.choices(people.GIVEN)
    return _page(
        request,
        "list",
        _("Markers"),
        rows=listed,
        exams=exams,
        roles=[words for _role, words in roles],
    )


@desk_page(MANAGER)
def new(request: HttpRequest) -> HttpResponse:
    """Make an account; its password is shown once."""
    form = NewPersonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            person, password = people.create(
                signed_in(request.user), data["username"], data["name"], data["roles"]
            )
        except Invalid as error:
            _add_faults(form, error.faults)
        else:
            _tell(request, person, password)
            return HttpResponseRedirect(reverse("people:list"))
    return _page(request, "form", _("Add a marker"), form=form, verb=_("Add"))


@desk_page(MANAGER)
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """Change an account, or give it a new password."""
    manager = signed_in(request.user)
    row = get_object_or_404(people.managed(manager), pk=pk)
    if "password" in request.POST:
        _tell(request, row, people.renew_password(manager, row))
        return HttpResponseRedirect(reverse("people:list"))
    return _change(request, manager, row)


@transaction.atomic
def _change(request: HttpRequest, manager: User, row: User) -> HttpResponse:
    # Two managers save one page: the second waits here, and then sees what the first has saved.
    row = people.lock(manager, row)
    present = KnownPersonForm(
        initial={
            "name": row.get_full_name(),
            "roles": sorted(roles_of(row)),
            "is_active": row.is_active,
        }
    )
    compared = None
    form: forms.Form = present
    if request.method == "POST":
        compared = plain_forms.compare(present, request.POST)
        form = KnownPersonForm(compared.data)
        if not compared.refuse(form) and form.is_valid():
            data = form.cleaned_data
            try:
                people.change(manager, row, data["name"], data["roles"], data["is_active"])
            except Invalid as error:
                _add_faults(form, error.faults)
            else:
                return HttpResponseRedirect(reverse("people:list"))
    title = _("Account: %(user)s") % {"user": row.username}
    more = plain_forms.context(present, compared)
    return _page(request, "form", title, form=form, verb=_("Save"), person=row, **more)


@desk_page(MANAGER)
def exam_assignments(request: HttpRequest, code: str) -> HttpResponse:
    """Who marks which questions of the exam: a row for each marker, a box for each question."""
    exam = get_object_or_404(Exam, code=code)
    markers = list(assignments.markers(exam))
    overtaken: assignments.Overtaken | None = None
    if request.method == "POST":
        wanted = {user.username: _ticked(request, user) for user in markers}
        parts = {name: codes for name, codes in wanted.items() if codes != []}
        try:
            assignments.replace(exam, signed_in(request.user), parts, _shown(request))
        except assignments.Overtaken as error:
            overtaken = error
        else:
            message = _("The assignments of %(exam)s were saved.") % {"exam": exam}
            messages.success(request, message)
            return HttpResponseRedirect(reverse("people:list"))
    questions = list(exam.questions.all())
    present = assignments.describe(exam)
    ticked = overtaken.merged if overtaken else present
    rows = [_row(user, ticked, [question.code for question in questions]) for user in markers]
    title = _("Who marks %(exam)s") % {"exam": exam.title}
    more = {
        "exam": exam,
        "questions": questions,
        "rows": rows,
        "open_to_all": not present,
        "shown": json.dumps(present),
        "refusal": refusal() if overtaken else "",
        "changed": overtaken.changed if overtaken else [],
    }
    return _page(request, "assignments", title, **more)


def _shown(request: HttpRequest) -> assignments.Wanted | None:
    """The assignments that the page showed, None where it did not say."""
    try:
        shown = json.loads(request.POST.get("shown", ""))
    except ValueError:
        return None
    known = isinstance(shown, dict) and all(map(_is_part, shown.values()))
    return shown if known else None


def _is_part(codes: Any) -> bool:
    return codes is None or (isinstance(codes, list) and all(isinstance(c, str) for c in codes))


def _ticked(request: HttpRequest, user: User) -> list[str] | None:
    """The codes that are ticked in the user's row; None for the whole exam."""
    codes = request.POST.getlist(f"marker-{user.pk}")
    return None if WHOLE in codes else codes


def _row(
    user: User, present: Mapping[str, Collection[str] | None], codes: list[str]
) -> dict[str, Any]:
    own = present.get(user.username, [])
    boxes: list[tuple[str, Any, bool]] = [(WHOLE, _("the whole exam"), own is None)]
    boxes += [(code, code, own is not None and code in own) for code in codes]
    return {"user": user, "name": f"marker-{user.pk}", "boxes": boxes}


app_name = "people"
urlpatterns = [
    path("", everybody, name="list"),
    path("new/", new, name="new"),
    path("<int:pk>/", person, name="person"),
    path("exams/<slug:code>/", exam_assignments, name="assignments"),
]
