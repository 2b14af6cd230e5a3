"""A changed policy beside the present one, over what was recorded in the last 24 hours."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.timezone import now
from django.utils.translation import gettext as _

from opsconsole.admin import scaling_chart, states, words
from opsconsole.admin.scaling_series import SPANS, Load, Series
from opsconsole.models import ExamWindow, ScalingPolicy, ScalingSample
from opsconsole.scaling import calendar, policies
from opsconsole.scaling.recorded import samples_of
from opsconsole.scaling.replay import Figures, Replay, Step, replay
from opsconsole.scaling.shapes import Basis, Floor, Sample

LENGTH = timedelta(days=1)
MOST = 3000
"""Samples that are replayed: of more, every other one, or somebody waits for seconds."""
Number = Callable[[float], str]


def preview(
    present: ScalingPolicy, changed: ScalingPolicy, at: datetime | None = None
) -> dict[str, Any]:
    """The context of opsconsole/policy_preview.html; without samples its chart is None."""
    end = at or now()
    samples = _samples(changed, end)
    if not samples:
        return {"chart": None}
    new = _replayed(changed, samples)
    try:
        old: Replay | None = _replayed(present, samples)
    except ValidationError:
        old = None  # A policy of an earlier version, which may decide no more.
    columns = [(_("as it was"), new.recorded, [step.recorded for step in new.steps])]
    if old:
        columns.append((_("present policy"), old.replayed, _desired(old)))
    columns.append((_("changed policy"), new.replayed, _desired(new)))
    return {
        "names": [name for name, _figures, _numbers in columns],
        "rows": _rows([(figures, numbers) for _name, figures, numbers in columns]),
        "samples": len(samples),
        "since": states.when(samples[0].at),
        "capacity_known": new.capacity is not None,
        "late_after": words.duration(new.late_after),
        "chart": _chart(changed, old, new, end),
    }


def _samples(policy: ScalingPolicy, end: datetime) -> list[Sample]:
    rows = ScalingSample.objects.filter(environment=policy.environment_id, service=policy.service)
    full = list(rows.full().between(end - LENGTH, end))
    return list(samples_of(full[:: 2 if len(full) > MOST else 1]))


def _replayed(policy: ScalingPolicy, samples: Sequence[Sample]) -> Replay:
    floors = _floors(policy, samples[0].at, samples[-1].at)
    return replay(
        policies.shape_of(policy),
        samples,
        floors=lambda at: floors,
        startup=policy.startup_seconds,
    )


def _floors(policy: ScalingPolicy, start: datetime, end: datetime) -> list[Floor]:
    """Those of the calendar as it is now; each says itself when it holds."""
    lead = calendar.lead_of(policy.startup_seconds).whole
    windows = ExamWindow.objects.filter(ends_at__gt=start, starts_at__lt=end + lead)
    floors = (
        calendar.floor_of(window, policy.service, lead, policy.environment.engine)
        for window in windows
    )
    return [floor for floor in floors if floor]


def _desired(replayed: Replay) -> list[int]:
    return [step.decision.desired for step in replayed.steps]


def _rows(columns: Sequence[tuple[Figures, Sequence[int]]]) -> list[dict[str, Any]]:
    """The figures, each with what it means."""

    def row(name: str, means: str, value: Callable[[Figures], float | None], write: Number) -> Any:
        values = [value(figures) for figures, _numbers in columns]
        written = [words.NOTHING if each is None else write(each) for each in values]
        return {"name": name, "means": means, "values": written}

    highest = [str(max(numbers)) for _figures, numbers in columns]
    return [
        {
            "name": _("highest number of replicas"),
            "means": _("at any time"),
            "values": highest,
        },
        row(_("changes"), _("of the number of replicas"), lambda run: run.changes, _whole),
        row(
            _("late answers"),
            _("had to wait longer than they should"),
            lambda run: run.late,
            _whole,
        ),
        row(_("replica hours"), _("what it costs"), lambda run: run.replica_hours, _hours),
        row(
            _("idle replica hours"),
            _("of them had nothing to do"),
            lambda run: run.idle_hours,
            _hours,
        ),
    ]


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _hours(value: float) -> str:
    return f"{value:,.1f}"


def _chart(
    policy: ScalingPolicy, old: Replay | None, new: Replay, end: datetime
) -> scaling_chart.Chart:
    span = SPANS["day"]
    series = Series(span, end - span.length, end)
    lines = [(_("as it was"), "bound", _last(new, lambda step: step.recorded))]
    if old:
        lines.append((_("present policy"), "present", _last(old, _wanted)))
    lines.append((_("changed policy"), "ready", _last(new, _wanted)))
    loads: dict[str, list[Load]] = {}
    for steps in _grouped(new.steps):
        for key in (seen.key for seen in steps[-1].decision.inputs):
            loads.setdefault(key, []).append(_load(key, steps))
    return scaling_chart.compared(series, lines, loads, policy.most)


def _wanted(step: Step) -> int:
    return step.decision.desired


def _last(replayed: Replay, value: Callable[[Step], int]) -> list[scaling_chart.Place]:
    """The last number of each interval of the chart."""
    return [(_start(steps[0]), value(steps[-1])) for steps in _grouped(replayed.steps)]


def _grouped(steps: Iterable[Step]) -> list[list[Step]]:
    """By intervals of the chart."""
    groups: dict[datetime, list[Step]] = {}
    for step in steps:
        groups.setdefault(_start(step), []).append(step)
    return list(groups.values())


def _start(step: Step) -> datetime:
    each = SPANS["day"].each
    return step.at - timedelta(seconds=step.at.timestamp() % each.total_seconds())


def _load(key: str, steps: Sequence[Step]) -> Load:
    """The highest value of the metric, and the most that the replicas were to bear of it."""
    seen = [
        (each, step.decision.current if each.basis == Basis.TOTAL else 1)
        for step in steps
        for each in step.decision.inputs
        if each.key == key
    ]
    values = [each.value for each, _times in seen if each.value is not None]
    bears = max(each.target * times for each, times in seen)
    return Load(_start(steps[0]), max(values, default=None), bears)
