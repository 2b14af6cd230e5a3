"""The state of a job: a label, and a live bar while a worker has it. Times, for each viewer."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from opsconsole.admin import colours, words
from opsconsole.models import Backup
from opsconsole.models.requested import RequestedJob
from pmscoring.base.admin import bars
from pmscoring.base.admin.labels import labels


def moment(time: datetime | None) -> str:
    """Date and time in the language's own form; a dash for none."""
    if time is None:
        return words.NOTHING
    return date_format(localtime(time), "SHORT_DATETIME_FORMAT")


def when(time: datetime | str | None) -> SafeString:
    """As `moment`; times.js shows it in the zone of the viewer's browser, where that is another.

    The title keeps the time in the installation's zone, which it names.
    """
    at = parse_datetime(time) if isinstance(time, str) else time
    if at is None:
        return format_html("{}", words.NOTHING)
    here = localtime(at)
    return format_html(
        '<time datetime="{}" data-zone="{}" title="{}">{}</time>',
        at.isoformat(timespec="seconds"),
        settings.TIME_ZONE,
        f"{here:%Y-%m-%d %H:%M:%S} {here:%Z}",
        moment(at),
    )


def since(time: datetime | None) -> SafeString:
    """For how long, such as `3 hours`; the title has the time."""
    if time is None:
        return format_html("{}", words.NOTHING)
    here = localtime(time)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        time.isoformat(timespec="seconds"),
        f"{here:%Y-%m-%d %H:%M:%S} {here:%Z}",
        timesince(time, depth=1),
    )


def is_alive(job: RequestedJob) -> bool:
    """Whether it waits for a worker, or a worker has it."""
    return job.status in job.unfinished_states()


def label(job: RequestedJob) -> SafeString:
    """The state in its colour."""
    palette = colours.BY_MODEL[job._meta.model_name or ""]
    if isinstance(job, Backup) and job.removing_at:
        return labels([("default", _("removed"))])
    name = str(dict(job._meta.get_field("status").flatchoices).get(job.status, job.status))
    return labels([(palette.get(job.status, "default"), name)])


def bar(job: RequestedJob) -> SafeString:
    """How far the work is, and what is being done."""
    percent = min(round(job.fraction * 100), 100)
    progress = bars.progress_bar(_("progress"), percent, [("scoring", percent)])
    return format_html('{} <span class="pms-none">{}</span>', progress, job.stage)


def live_state(job: RequestedJob) -> SafeString:
    """The label; while the work goes on with its bar, which the page fetches again."""
    if not is_alive(job):
        return label(job)
    content = format_html("{} {}", label(job), bar(job)) if job.claimed_at else label(job)
    return bars.live(f"{job._meta.model_name}-{job.pk}-live", content)


def verified(backup: Backup) -> SafeString:
    """Whether, and when, it was restored on trial and compared: in words and in colour."""
    if backup.verified_at:
        text = labels([("success", _("verified"))])
        return format_html(
            '<span class="pms-two">{}<br><small class="pms-none">{}</small></span>',
            text,
            when(backup.verified_at),
        )
    if is_alive(backup) or backup.status == backup.FAILED:
        return format_html("{}", words.NOTHING)
    return labels([("warning", _("not verified"))])


def steps(job: Any, names: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """The steps of a job for pms-steps: each with its name, and whether it is done or the present.

    `names` are the states in their order with their names.
    """
    order = [state for state, _name in names]
    present = order.index(job.status) if job.status in order else -1
    if job.status == job.DONE:
        present = len(order)
    return [
        {"name": name, "now": index == present, "done": index < present}
        for index, (_state, name) in enumerate(names)
    ]
