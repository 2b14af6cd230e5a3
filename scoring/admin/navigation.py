"""What scoring adds to the admin's sidebar."""

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from pmscoring.base.admin.navigation import ACCESS, ModelLink, PageLink, register
from pmscoring.base.roles import ADJUDICATOR, MANAGER, MARKER, VIEWER, has_role


def _marks(request: HttpRequest) -> bool:
    return has_role(request.user, MARKER, ADJUDICATOR, MANAGER)


def _manages(request: HttpRequest) -> bool:
    return has_role(request.user, MANAGER)


def _sees_exams(request: HttpRequest) -> bool:
    return has_role(request.user, MANAGER, VIEWER)


register("home", "", 0, PageLink(_("Marking"), "rate_review", "marking:entry", _marks))
register(
    "home", "", 0, PageLink(_("Notes on the rubric"), "contact_support", "marking:notes", _manages)
)
register(
    "exams",
    _("Exams"),
    10,
    ModelLink("scoring.exam", "school"),
    ModelLink("scoring.question", "quiz"),
    ModelLink("scoring.calibration", "tune"),
    PageLink(_("Agreement"), "handshake", "admin:scoring_exam_agreements", _sees_exams),
)
register(
    "answers",
    _("Answers"),
    20,
    ModelLink("scoring.answer", "edit_note"),
    ModelLink("scoring.submission", "assignment_ind"),
)
register(
    "arrivals",
    _("Arrivals"),
    30,
    ModelLink("scoring.upload", "upload_file"),
    ModelLink("scoring.batch", "stacks"),
    ModelLink("scoring.withdrawal", "undo"),
)
register(
    "access",
    ACCESS,
    80,
    PageLink(_("Markers"), "group_add", "people:list", _manages),
    ModelLink("scoring.apitoken", "key"),
)
