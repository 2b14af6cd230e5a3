"""Exam windows: the list, one, and what changes them."""

from datetime import datetime
from typing import Annotated, Any, NotRequired, TypedDict

from django.core.exceptions import ValidationError
from django.shortcuts import get_object_or_404
from django.utils.dateparse import parse_datetime
from django.utils.timezone import now
from rest_framework.request import Request
from rest_framework.response import Response

from opsconsole.api import environment_examples as examples
from opsconsole.api import environment_shapes as show
from opsconsole.api.base import TAG, View, invalid
from opsconsole.callers import caller_of
from opsconsole.environments import windows
from opsconsole.models import ExamWindow
from pmscoring.base.api.bodies import body_of
from pmscoring.base.api.schema import JSON, call, request_example, response_example
from pmscoring.base.api.shapes import shape
from pmscoring.base.api.views import PAGE_PARAMETERS
from pmscoring.base.faults import Invalid, fault
from pmscoring.base.refusals import Refused

FLOORS = {"additionalProperties": {"type": "integer", "minimum": 1, "maximum": 20}}
At = Annotated[str, {"format": "date-time"}]
Zone = Annotated[str, {"maxLength": 60}]


class WantedWindow(TypedDict):
    """An interval in which an exam is marked; times have an offset, as 2027-04-01T09:00:00+09:00.

    `floors` are the least replicas of services while it holds: they are asked for before it starts.
    `zone` is the one in which pages show the times, such as Asia/Tokyo; empty for that of the
    installation. A window that was made for an exam `follows` its dates: other times are refused
    with `follows`, and end that without.
    """

    name: Annotated[str, {"minLength": 1, "maxLength": 80}]
    starts_at: At
    ends_at: At
    floors: NotRequired[Annotated[dict[str, int], FLOORS]]
    zone: NotRequired[Zone]
    follows: NotRequired[bool]


class WindowList(View):
    """Exam windows."""

    @call(
        "ops_windows_list",
        TAG,
        {200: show.WindowPage},
        parameters=PAGE_PARAMETERS,
        examples=[response_example("One window", examples.WINDOW_PAGE)],
        problems=[404],
    )
    def get(self, request: Request) -> Response:
        """List exam windows, newest first."""
        at = now()
        return self.paged(request, ExamWindow.objects.all(), lambda row: show.window(row, at))

    @call(
        "ops_windows_create",
        TAG,
        {201: show.Window},
        takes={JSON: shape(WantedWindow)},
        examples=[
            request_example("An exam", examples.WANTED_WINDOW),
            response_example("Added", examples.WINDOW, 201),
        ],
    )
    def post(self, request: Request) -> Response:
        """Add an exam window: while it holds, deployments, restores and prunes need a reason."""
        row = _saved(ExamWindow(), request, "added")
        shown = show.window(row, now())
        return Response(shown, 201, headers={"Location": shown["links"]["self"]})


class WindowDetail(View):
    """One exam window."""

    @call(
        "ops_windows_read",
        TAG,
        {200: show.Window},
        examples=[response_example("An exam", examples.WINDOW)],
    )
    def get(self, request: Request, pk: int) -> Response:
        """Read an exam window."""
        return Response(show.window(get_object_or_404(ExamWindow, pk=pk), now()))

    @call(
        "ops_windows_update",
        TAG,
        {200: show.Window},
        takes={JSON: shape(WantedWindow)},
        examples=[request_example("An exam", examples.WANTED_WINDOW)],
    )
    def put(self, request: Request, pk: int) -> Response:
        """Change an exam window."""
        row = _saved(get_object_or_404(ExamWindow, pk=pk), request, "changed")
        return Response(show.window(row, now()))

    @call("ops_windows_delete", TAG, {204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """Remove an exam window."""
        windows.remove(get_object_or_404(ExamWindow, pk=pk), caller=caller_of(request))
        return Response(status=204)


def _saved(window: ExamWindow, request: Request, change: str) -> ExamWindow:
    """The window as the body has it; raises Invalid."""
    body = body_of(request, WantedWindow)
    times = {name: _time(body, name) for name in ("starts_at", "ends_at")}
    stays = all(getattr(window, name) == at for name, at in times.items())
    window.name, window.zone = body["name"], body.get("zone", window.zone)
    window.floors = _floors(body)
    window.follows = body.get("follows", window.follows and stays)
    window.starts_at, window.ends_at = times["starts_at"], times["ends_at"]
    try:
        window.full_clean()
        windows.refuse_moved(window)
    except ValidationError as error:
        raise invalid(error) from error
    windows.save(window, caller=caller_of(request), change=change)
    window.refresh_from_db()  # Times as they are shown from now on: in UTC.
    return window


def _floors(body: dict[str, Any]) -> dict[str, int]:
    floors: dict[str, int] = body.get("floors", {})
    for service in floors:
        try:
            windows.refuse_floors({service: floors[service]})
        except Refused as refusal:
            raise Invalid([fault(f"/floors/{service}", str(refusal))]) from refusal
    return floors


def _time(body: dict[str, Any], name: str) -> datetime:
    try:
        at = parse_datetime(body[name])
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not 1970 < at.year < 9999:
        raise Invalid([fault(f"/{name}", "a time with an offset is expected")])
    return at
