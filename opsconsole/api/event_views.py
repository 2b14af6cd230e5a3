"""Events: the list, the verdict on their chain, and the file of all of them."""

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.timezone import localtime, now
from rest_framework.request import Request
from rest_framework.response import Response

from opsconsole.api import examples
from opsconsole.api import representations as show
from opsconsole.api.base import TAG, View, chosen, time_of
from opsconsole.callers import caller_of
from opsconsole.models import Event, Installation
from opsconsole.models.chain_files import MEDIA_TYPE, exported, verdict
from opsconsole.models.deeds import DEEDS
from pmscoring.base.api.schema import call, query, response_example
from pmscoring.base.api.views import PAGE_PARAMETERS, parameter
from pmscoring.base.downloads import file_response

EXACT = ("actor", "object_type", "object_id")
TIME = {"type": "string", "format": "date-time"}
FILTERS = (
    query("deed", {"enum": list(DEEDS)}, "What was done."),
    query("result", {"enum": Event.Result.values}),
    query("actor", {"type": "string"}, "The user's name."),
    query("object_type", {"type": "string"}, "Such as `backup`."),
    query("object_id", {"type": "string"}, "The key of the object."),
    query("since", TIME, "From this time on."),
    query("until", TIME, "Before this time."),
)


class EventList(View):
    """Events."""

    @call(
        "ops_events_list",
        TAG,
        {200: show.EventPage},
        parameters=[*PAGE_PARAMETERS, *FILTERS],
        examples=[response_example("One event", examples.EVENT_PAGE)],
        problems=[404, 422],
    )
    def get(self, request: Request) -> Response:
        """List events, newest first, filtered by deed, result, person, object and time."""
        return self.paged(request, _wanted(request), show.event)


def _wanted(request: Request) -> "QuerySet[Event]":
    wanted = {name: parameter(request, name) for name in EXACT}
    wanted |= {"deed": chosen(request, "deed", list(DEEDS))}
    wanted |= {"result": chosen(request, "result", Event.Result.values)}
    rows = Event.objects.filter(**{name: value for name, value in wanted.items() if value})
    if since := time_of(request, "since"):
        rows = rows.filter(at__gte=since)
    if until := time_of(request, "until"):
        rows = rows.filter(at__lt=until)
    return rows


class EventDetail(View):
    """One event."""

    @call(
        "ops_events_read",
        TAG,
        {200: show.Event},
        examples=[response_example("A backup that was requested", examples.EVENT)],
    )
    def get(self, request: Request, number: int) -> Response:
        """Read an event by its number."""
        return Response(show.event(get_object_or_404(Event, number=number)))


class EventChain(View):
    """The chain of events."""

    @call(
        "ops_events_verify",
        TAG,
        {200: show.ChainVerdict},
        examples=[response_example("Intact", {"events": 812, "intact": True, "broken_at": None})],
    )
    def get(self, request: Request) -> Response:
        """Verify that no event was changed, removed or moved."""
        broken_at = Event.objects.broken_at()
        return Response(verdict(Installation.objects.here().events, broken_at))


class EventExport(View):
    """The file of all events."""

    @call("ops_events_export", TAG, {}, files=[MEDIA_TYPE])
    def get(self, request: Request) -> HttpResponseBase:
        """Read all events as NDJSON, which `manage.py audit --from FILE` verifies alone.

        The first line says how many events there are and the hash of the last one; each other line
        is an event, the oldest first.
        """
        Event.objects.record("events.exported", None, caller_of(request))
        name = f"events-{localtime(now()):%Y%m%d-%H%M}.ndjson"
        return file_response(exported(), MEDIA_TYPE, name)
