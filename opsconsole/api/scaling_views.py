"""Scaling policies: the list, one, and what changes, pauses and removes it; and their decisions."""

from typing import Any

from django.core.exceptions import ValidationError
from django.shortcuts import get_object_or_404
from django.utils.dateparse import parse_datetime
from rest_framework.request import Request
from rest_framework.response import Response

from opsconsole.api import scaling_examples as examples
from opsconsole.api import scaling_shapes as show
from opsconsole.api.base import TAG, View, chosen, invalid
from opsconsole.api.environment_views import OF
from opsconsole.callers import caller_of
from opsconsole.models import Environment, ScalingDecision, ScalingPolicy
from opsconsole.scaling import defaults, pausing, policies
from pmscoring.base.api.bodies import body_of
from pmscoring.base.api.schema import JSON, call, query, request_example, response_example
from pmscoring.base.api.shapes import shape
from pmscoring.base.api.views import PAGE_PARAMETERS, parameter
from pmscoring.base.faults import Invalid, fault

SERVICE = query("service", {"type": "string"}, "The name of a service.")
ACTION = query("action", {"enum": ScalingDecision.Action.values})


class PolicyList(View):
    """Scaling policies."""

    @call(
        "ops_policies_list",
        TAG,
        {200: show.PolicyPage},
        parameters=[*PAGE_PARAMETERS, OF, SERVICE],
        examples=[response_example("One policy", examples.POLICY_PAGE)],
        problems=[404, 422],
    )
    def get(self, request: Request) -> Response:
        """List scaling policies."""
        rows = show.policies()
        if code := parameter(request, "environment"):
            rows = rows.filter(environment__code=code)
        if service := parameter(request, "service"):
            rows = rows.filter(service=service)
        return self.paged(request, rows, show.policy)

    @call(
        "ops_policies_create",
        TAG,
        {201: show.Policy},
        takes={JSON: shape(show.NewPolicy)},
        examples=[
            request_example("Of workers", examples.NEW_POLICY),
            response_example("Added", examples.POLICY, 201),
        ],
    )
    def post(self, request: Request) -> Response:
        """Add the scaling policy of a service that has none; what is left out is as usual."""
        body = body_of(request, show.NewPolicy)
        environment = Environment.objects.kept().filter(code=body.pop("environment")).first()
        if environment is None:
            raise Invalid([fault("/environment", "there is no such environment")])
        row = _saved(defaults.usual(environment, body.pop("service")), request, body)
        shown = show.policy(row)
        return Response(shown, 201, headers={"Location": shown["links"]["self"]})


class PolicyDetail(View):
    """One scaling policy."""

    @call(
        "ops_policies_read",
        TAG,
        {200: show.Policy},
        examples=[response_example("Of workers", examples.POLICY)],
    )
    def get(self, request: Request, pk: int) -> Response:
        """Read a scaling policy."""
        return Response(show.policy(_policy(pk)))

    @call(
        "ops_policies_update",
        TAG,
        {200: show.Policy},
        takes={JSON: shape(show.ChangedPolicy)},
        examples=[
            request_example("Other bounds, and at work", examples.CHANGED_POLICY),
            response_example("Changed", examples.POLICY),
        ],
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Change a scaling policy: it is decided by from the next turn on."""
        body = body_of(request, show.ChangedPolicy)
        return Response(show.policy(_saved(_policy(pk), request, body)))

    @call("ops_policies_delete", TAG, {204: None}, problems=[409])
    def delete(self, request: Request, pk: int) -> Response:
        """Remove a scaling policy with its decisions; the replicas stay as they are."""
        policies.remove(_policy(pk), caller=caller_of(request))
        return Response(status=204)


class PolicyPause(View):
    """The pause of a scaling policy."""

    @call(
        "ops_policies_pause",
        TAG,
        {200: show.Policy},
        takes={JSON: shape(show.Pause)},
        examples=[
            request_example("For the morning", examples.PAUSE),
            response_example("Paused", examples.PAUSED_POLICY),
        ],
        problems=[409],
    )
    def post(self, request: Request, pk: int) -> Response:
        """Pause a policy: it goes on to decide, and nothing is done until then."""
        row, body = _policy(pk), body_of(request, show.Pause)
        try:
            until = parse_datetime(body["until"])
        except ValueError:
            until = None
        if until is None or until.tzinfo is None:
            raise Invalid([fault("/until", "a time with an offset is expected")])
        pausing.pause(row, until, body["why"], caller=caller_of(request))
        return Response(show.policy(row))


class PolicyResumption(View):
    """The end of a pause before its time."""

    @call("ops_policies_resume", TAG, {200: show.Policy}, problems=[409])
    def post(self, request: Request, pk: int) -> Response:
        """Resume a paused policy."""
        row = _policy(pk)
        pausing.resume(row, caller=caller_of(request))
        return Response(show.policy(row))


class DecisionList(View):
    """Decisions of scaling policies."""

    @call(
        "ops_decisions_list",
        TAG,
        {200: show.DecisionPage},
        parameters=[*PAGE_PARAMETERS, OF, SERVICE, ACTION],
        examples=[response_example("One decision", examples.DECISION_PAGE)],
        problems=[404, 422],
    )
    def get(self, request: Request) -> Response:
        """List decisions, newest first: one of each policy every 15 seconds."""
        rows = show.decisions()
        if code := parameter(request, "environment"):
            rows = rows.filter(policy__environment__code=code)
        if service := parameter(request, "service"):
            rows = rows.filter(policy__service=service)
        if action := chosen(request, "action", ScalingDecision.Action.values):
            rows = rows.filter(action=action)
        return self.paged(request, rows, show.decision)


class DecisionDetail(View):
    """One decision."""

    @call(
        "ops_decisions_read",
        TAG,
        {200: show.Decision},
        examples=[response_example("More workers", examples.DECISION)],
    )
    def get(self, request: Request, pk: int) -> Response:
        """Read a decision: what it saw, which rules bound it, and what came of it."""
        return Response(show.decision(get_object_or_404(show.decisions(), pk=pk)))


def _policy(pk: int) -> ScalingPolicy:
    return get_object_or_404(show.policies(), pk=pk)


def _saved(row: ScalingPolicy, request: Request, body: dict[str, Any]) -> ScalingPolicy:
    """The policy with what the body has of its rules; raises Invalid."""
    for name, value in body.items():
        setattr(row, name, value)
    try:
        policies.save(row, caller=caller_of(request), names=body.keys())
    except ValidationError as error:
        raise invalid(error) from error
    return row
