"""The desk's two dialogs: saved comments, and notes on the rubric of the question."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render

from pmscoring.base.faults import Invalid
from pmscoring.base.roles import ADJUDICATOR, MANAGER, MARKER
from scoring.admin.marking_page import pages
from scoring.models import Answer, Question, SavedComment
from scoring.models.people import in_part
from scoring.review import comments, notes
from scoring.review.references import NotQualified

Deed = Callable[[pages.DeskRequest, Question], None]
MOST_NOTES = 50


def context(question: Question, user: User) -> dict[str, Any]:
    """What both dialogs show; no criteria where the question is not the user's to mark."""
    criteria = in_part(question.criteria.all(), user, "question")
    return {
        "question": question,
        "saved": _saved(question, user),
        "notes": _notes(question, user),
        "criteria": list(criteria),
    }


def _saved(question: Question, user: User) -> list[SavedComment]:
    return list(comments.usable(question.exam, user, question))


def _notes(question: Question, user: User) -> list[Any]:
    return list(notes.visible(user).filter(question=question)[:MOST_NOTES])


@pages.desk_page(MARKER, ADJUDICATOR, MANAGER)
def saved_comments(request: pages.DeskRequest, pk: int) -> HttpResponse:
    """POST keeps a comment, or deletes one; the response is the dialog's content."""
    return _respond(request, pk, "comments", _change_comments)


def _change_comments(request: pages.DeskRequest, question: Question) -> None:
    user = request.user
    if key := pages.posted_key(request, "delete"):
        rows = comments.usable(question.exam, user).filter(pk=key)
        for comment in rows:  # None where it was deleted meanwhile.
            comments.delete(comment, user)
        return
    of = None if request.POST.get("whole") else question
    is_shared = bool(request.POST.get("shared"))
    comments.save(question.exam, user, request.POST.get("text", ""), of, is_shared)


@pages.desk_page(MARKER, ADJUDICATOR, MANAGER)
def rubric_notes(request: pages.DeskRequest, pk: int) -> HttpResponse:
    """POST writes a note; the response is the dialog's content."""
    return _respond(request, pk, "notes", _write_note)


def _write_note(request: pages.DeskRequest, question: Question) -> None:
    key = pages.posted_key(request, "answer")
    answer = Answer.objects.filter(pk=key, question=question).first()
    text, criterion = request.POST.get("text", ""), request.POST.get("criterion", "")
    notes.write(question, request.user, text, criterion, answer)


def _respond(request: pages.DeskRequest, pk: int, name: str, change: Deed) -> HttpResponse:
    questions = Question.objects.select_related("exam__policy")
    question = get_object_or_404(questions, pk=pk)
    here = pages.address("marking:desk", question.exam, question)
    if request.method != "POST":
        return HttpResponseRedirect(here)
    refusal = ""
    try:
        change(request, question)
    except Invalid as error:
        refusal = pages.error_message(error)
    except NotQualified as error:
        refusal = str(error)
    if "X-Desk" not in request.headers:
        return HttpResponseRedirect(here)
    typed = request.POST.get("text", "") if refusal else ""
    more = {"refusal": refusal, "typed": typed, "was_sent": not refusal}
    template = f"scoring/marking/{name}.html"
    status = 422 if refusal else 200
    return render(request, template, context(question, request.user) | more, status=status)
