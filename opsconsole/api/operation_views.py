"""Operations: the list, one with its output, and asking for one."""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any, Literal, TypedDict
from uuid import UUID

from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from opsconsole import tasks
from opsconsole.api import environment_examples as examples
from opsconsole.api import environment_shapes as show
from opsconsole.api.base import TAG, View, accepted, chosen
from opsconsole.api.environment_views import OF
from opsconsole.callers import caller_of
from opsconsole.deployments import removal
from opsconsole.environments import operate
from opsconsole.environments.performing import MOST_LINES, moment
from opsconsole.models import Caller, Environment, Operation
from pmscoring.base.api.bodies import body_of
from pmscoring.base.api.schema import JSON, call, query, request_example, response_example
from pmscoring.base.api.shapes import shape
from pmscoring.base.api.views import PAGE_PARAMETERS, parameter
from pmscoring.base.faults import Invalid, fault
from pmscoring.base.nudges import nudge

FILTERS = (
    OF,
    query("kind", {"enum": Operation.Kind.values}),
    query("state", {"enum": Operation.Status.values}),
)


WORDS = {"maxItems": 20, "items": {"type": "string", "maxLength": 200}}


class WantedOperation(TypedDict, total=False):
    """What is done to which environment.

    `target` is the id of a replica (restart, logs), a service (scale) or a command (run).
    `replicas` and `seconds`, after which the number of before is put back, belong to scale; `words`
    are the arguments of a command; `tail`, `since` and `search` choose lines of a log. `rotate`
    has the name of a secret as its target; `prune` removes old images, and has none. `remove`
    removes an environment: its target is the environment's code once more, which confirms it.
    """

    environment: str
    kind: Literal["restart", "scale", "run", "logs", "rotate", "prune", "remove"]
    target: Annotated[str, {"minLength": 1, "maxLength": 100}]
    replicas: Annotated[int, {"minimum": 1}]
    seconds: Annotated[int, {"minimum": 1, "maximum": 30 * 86400}]
    words: Annotated[list[str], WORDS]
    tail: Annotated[int, {"minimum": 1, "maximum": MOST_LINES}]
    since: Annotated[str, {"format": "date-time"}]
    search: Annotated[str, {"maxLength": 200}]
    why: Annotated[str, {"maxLength": 200}]


class OperationList(View):
    """Operations."""

    @call(
        "ops_operations_list",
        TAG,
        {200: show.OperationPage},
        parameters=[*PAGE_PARAMETERS, *FILTERS],
        examples=[response_example("One operation", examples.OPERATION_PAGE)],
        problems=[404, 422],
    )
    def get(self, request: Request) -> Response:
        """List operations, newest first, without their output."""
        rows = show.operations()
        if code := parameter(request, "environment"):
            rows = rows.filter(environment__code=code)
        if kind := chosen(request, "kind", Operation.Kind.values):
            rows = rows.filter(kind=kind)
        if state := chosen(request, "state", Operation.Status.values):
            rows = rows.filter(status=state)
        return self.paged(request, rows, show.operation)

    @call(
        "ops_operations_create",
        TAG,
        {202: show.Operation},
        takes={JSON: shape(WantedOperation)},
        examples=[
            request_example("Two more web replicas for an hour", examples.WANTED_OPERATION),
            response_example("Waiting", examples.WAITING_OPERATION, 202),
        ],
        problems=[409],
    )
    def post(self, request: Request) -> Response:
        """Ask for a restart, another number of replicas, a command, or lines of a log.

        What is not allowed, or cannot be done now, is a conflict that says why.
        """
        body = body_of(request, WantedOperation)
        environment = Environment.objects.kept().filter(code=body.get("environment", "")).first()
        faults = [] if environment else [fault("/environment", "there is no such environment")]
        faults += [fault(f"/{name}", "it is missing") for name in _missing(body)]
        if faults or environment is None:
            raise Invalid(faults)
        row = ASK[body["kind"]](environment, body, caller_of(request))
        nudge(tasks.perform_operation, row.pk)
        return accepted(show.operation(row))


class OperationDetail(View):
    """One operation."""

    @call(
        "ops_operations_read",
        TAG,
        {200: show.OperationDetail},
        examples=[response_example("A command that was run", examples.OPERATION_DETAIL)],
    )
    def get(self, request: Request, uid: UUID) -> Response:
        """Read an operation's state and what it has printed so far."""
        rows = Operation.objects.select_related("environment")
        return Response(show.operation_detail(get_object_or_404(rows, uid=uid)))


def _missing(body: dict[str, Any]) -> list[str]:
    wanted = ["kind"] if body.get("kind") == Operation.Kind.PRUNE else ["kind", "target"]
    if body.get("kind") == Operation.Kind.SCALE:
        wanted.append("replicas")
    return [name for name in wanted if name not in body]


Ask = Callable[[Environment, dict[str, Any], Caller], Operation]


def _restart(environment: Environment, body: dict[str, Any], caller: Caller) -> Operation:
    return operate.restart(environment, body["target"], caller=caller, why=body.get("why", ""))


def _scale(environment: Environment, body: dict[str, Any], caller: Caller) -> Operation:
    return operate.scale(
        environment,
        body["target"],
        body["replicas"],
        caller=caller,
        why=body.get("why", ""),
        lasting=timedelta(seconds=body["seconds"]) if "seconds" in body else None,
    )


def _run(environment: Environment, body: dict[str, Any], caller: Caller) -> Operation:
    words = body.get("words", [])
    return operate.run(environment, body["target"], words, caller=caller, why=body.get("why", ""))


def _logs(environment: Environment, body: dict[str, Any], caller: Caller) -> Operation:
    return operate.logs(
        environment,
        body["target"],
        caller=caller,
        tail=body.get("tail", 200),
        since=moment(body.get("since")),
        search=body.get("search", ""),
    )


def _rotate(environment: Environment, body: dict[str, Any], caller: Caller) -> Operation:
    return operate.rotate(environment, body["target"], caller=caller, why=body.get("why", ""))


def _prune(environment: Environment, body: dict[str, Any], caller: Caller) -> Operation:
    return operate.prune(environment, caller=caller, why=body.get("why", ""))


def _remove(environment: Environment, body: dict[str, Any], caller: Caller) -> Operation:
    return removal.request(
        environment, confirmed=body["target"], caller=caller, why=body.get("why", "")
    )


ASK: dict[str, Ask] = {
    "restart": _restart,
    "scale": _scale,
    "run": _run,
    "logs": _logs,
    "rotate": _rotate,
    "prune": _prune,
    "remove": _remove,
}
