"""Exam windows: while one holds, deployments, restores and prunes are refused without a reason."""

from datetime import datetime

from django.utils.timezone import localtime, now
from django.utils.translation import gettext as _

from opsconsole.models import ExamWindow
from pmscoring.base.refusals import Refused


def holding(at: datetime | None = None) -> ExamWindow | None:
    """The window in which the moment lies, of several the one that ends last; its end is not."""
    at = at or now()
    return ExamWindow.objects.filter(starts_at__lte=at, ends_at__gt=at).order_by("-ends_at").first()


def refuse_in_window(reason: str, at: datetime | None = None) -> None:
    """Raise Refused while an exam window holds and no reason is given."""
    window = holding(at)
    if window is None or reason.strip():
        return
    words = {"name": window.name, "until": f"{localtime(window.ends_at):%Y-%m-%d %H:%M %Z}"}
    raise Refused(
        _("the exam window %(name)s holds until %(until)s; a reason overrides this") % words
    )
