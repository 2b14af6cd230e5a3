"""Roles in words: what each is called, and what its holders may do."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pmscoring.base.roles import ADJUDICATOR, CLIENT, MANAGER, MARKER, OPERATOR, VIEWER

NAMES: dict[str, str | Promise] = {
    MANAGER: _("exam manager"),
    MARKER: _("marker"),
    ADJUDICATOR: _("adjudicator"),
    OPERATOR: _("operator"),
    CLIENT: _("client system"),
    VIEWER: _("viewer"),
}
MEANINGS: dict[str, str | Promise] = {
    MANAGER: _(
        "Defines exams, uploads answers, sees candidates and results, and makes markers and assigns"
        " them."
    ),
    MARKER: _("Marks the answers that are assigned to them; sees no candidate and no other exam."),
    ADJUDICATOR: _("Settles answers on which markers differ, and marks too."),
    OPERATOR: _("Deploys, backs up, restores and scales the installation."),
    CLIENT: _("A program that submits answers and reads results through REST."),
    VIEWER: _("Reads exams, answers, marks and agreement, without candidates; changes nothing."),
}


def name(role: str) -> str:
    """What the role is called, in the reader's language; a group of the site's own as it is."""
    return str(NAMES.get(role, role))


def choices(roles: "tuple[str, ...]") -> list[tuple[str, str]]:
    """The roles as choices of a form, each with what its holders may do."""
    return [(role, f"{NAMES[role]} – {MEANINGS[role]}") for role in roles]
