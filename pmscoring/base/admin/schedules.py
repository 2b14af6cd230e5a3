"""Celery beat's schedules under the same theme; who may change them is Django's own matter."""

from typing import Any

from django.contrib import admin
from django_celery_beat import admin as beat
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from pmscoring.base.admin import theme
from pmscoring.base.admin.lookups import OfferedLookups
from pmscoring.base.admin.meanwhile import Meanwhile
from pmscoring.base.admin.worded import Worded

for model in (ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule):
    admin.site.unregister(model)


class TaskSelect(theme.Select, beat.TaskSelectWidget):  # type: ignore[misc, valid-type]
    """Registered tasks to choose from."""


class PeriodicTaskForm(beat.PeriodicTaskForm):  # type: ignore[misc]
    """Its own fields, dressed."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["task"].widget = theme.TextInput()
        self.fields["regtask"].widget = TaskSelect()


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(
    OfferedLookups,
    Worded,
    Meanwhile,
    beat.PeriodicTaskAdmin,  # type: ignore[misc]
    theme.Admin,
):
    """What beat sends, and when."""

    form = PeriodicTaskForm
    change_form_template = None  # the package's own carries an inline script, which the CSP refuses


@admin.register(CrontabSchedule)
class CrontabScheduleAdmin(
    OfferedLookups,
    Worded,
    Meanwhile,
    beat.CrontabScheduleAdmin,  # type: ignore[misc]
    theme.Admin,
):
    """By the clock."""

    inlines = ()


@admin.register(ClockedSchedule, IntervalSchedule, SolarSchedule)
class ScheduleAdmin(OfferedLookups, Worded, Meanwhile, theme.Admin):
    """The other kinds of schedule."""
