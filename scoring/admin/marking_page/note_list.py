"""Managers read markers' notes on the rubric, answer them, and mark them as done."""

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from pmscoring.base.faults import Invalid
from pmscoring.base.lifecycle import ChangedMeanwhile
from pmscoring.base.roles import MANAGER
from scoring.admin.marking_page import pages
from scoring.models import RubricNote
from scoring.review import notes

MOST = 50
ORDER = ("-status", "pk")
"""Open notes first, for their state comes after `done` in the alphabet; the oldest first."""


@pages.desk_page(MANAGER)
def notes_of_all(request: pages.DeskRequest) -> HttpResponse:
    """The list; POST answers one note."""
    refused: dict[str, Any] = {}
    if request.method == "POST":
        note = get_object_or_404(RubricNote, pk=pages.posted_key(request, "note"))
        try:
            is_done = request.POST.get("command") != "open"
            text, shown = request.POST.get("reply", "").strip(), request.POST.get("shown")
            notes.reply(note, request.user, text, is_done, shown)
        except (Invalid, ChangedMeanwhile) as error:
            typed = request.POST.get("reply", "")
            refused = {"refused": note.pk, "refusal": pages.error_message(error), "typed": typed}
        else:
            return HttpResponseRedirect(reverse("marking:notes"))
    rows = notes.visible(request.user).order_by(*ORDER)
    title = _("Notes on the rubric")
    context = {
        **admin.site.each_context(request),
        **refused,
        "title": title,
        "page_title": title,
        "page": Paginator(rows, MOST).get_page(request.GET.get("page", "1")[:9]),
    }
    request.current_app = admin.site.name
    return TemplateResponse(request, "scoring/marking/note_list.html", context)
