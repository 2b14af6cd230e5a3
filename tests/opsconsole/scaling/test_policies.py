"""Rows that are policies, rows that are none, and what is recorded when one is saved."""

import json
import math
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.timezone import now

from opsconsole.models import (
    Caller,
    Environment,
    Event,
    ScalingDecision,
    ScalingPolicy,
    ScalingSample,
)
from opsconsole.scaling import policies
from opsconsole.scaling.outcomes import GIVEN_UP
from opsconsole.scaling.shapes import Basis, Fallback, Kind, Metric, Rate, Unit
from pmscoring.base.refusals import Busy, Refused
from tests.concurrency import run_concurrently
from tests.opsconsole.scaling import factories
from tests.opsconsole.scaling.making import NOW, SECOND, a_policy, a_sample, decided, settled

WAITING = {"kind": "waiting", "target": 100, "basis": "total"}
CPU = {"kind": "cpu", "target": 0.7, "basis": "average"}
QUERY = {"kind": "query", "target": 5, "basis": "total", "query": "sum(rate(x[1m]))"}
CALLER = Caller("ann", "admin", "192.0.2.1")


def a_row(**fields: Any) -> ScalingPolicy:
    return ScalingPolicy(**{"service": "worker", "metrics": [WAITING]} | fields)


def troubles(**fields: Any) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as raised:
        policies.shape_of(a_row(**fields))
    return raised.value.message_dict


def test_a_row_becomes_the_shape() -> None:
    fallback = {"after": 3, "replicas": 2}
    rates = [{"unit": "percent", "value": 50, "seconds": 60}]
    row = a_row(metrics=[WAITING, CPU, {**QUERY, "fallback": fallback}], up_rates=rates, most=6)
    shape = policies.shape_of(row)
    assert shape.metrics == (
        Metric(Kind.WAITING, 100.0, Basis.TOTAL),
        Metric(Kind.CPU, 0.7, Basis.AVERAGE),
        Metric(Kind.QUERY, 5.0, Basis.TOTAL, "sum(rate(x[1m]))", Fallback(3, 2)),
    )
    assert shape.up_rates == (Rate(Unit.PERCENT, 50, 60),)
    assert (shape.service, shape.least, shape.most) == ("worker", 1, 6)


def test_a_row_without_rates_has_those_of_kubernetes() -> None:
    shape, default = policies.shape_of(a_row()), a_policy()
    assert (shape.up_rates, shape.down_rates) == (default.up_rates, default.down_rates)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("service", "postgres"),
        ("least", 0),
        ("least", True),
        ("least", None),
        ("most", 21),
        ("most", 1.5),
        ("most", "4"),
        ("tolerance", -0.1),
        ("tolerance", 1),
        ("tolerance", math.nan),
        ("behaviour", "other"),
        ("up_window", -1),
        ("down_window", 86_401),
        ("warm_up", None),
        ("cooldown", "60"),
        ("metrics", []),
        ("metrics", {"kind": "cpu"}),
        ("metrics", [WAITING, WAITING]),
        ("metrics", ["cpu"]),
        ("metrics", [{**WAITING, "kind": "memory"}]),
        ("metrics", [{**WAITING, "target": 0}]),
        ("metrics", [{**WAITING, "target": -1}]),
        ("metrics", [{**WAITING, "target": math.nan}]),
        ("metrics", [{**WAITING, "target": math.inf}]),
        ("metrics", [{**WAITING, "target": 10**400}]),
        ("metrics", [{**WAITING, "target": "100"}]),
        ("metrics", [{**WAITING, "target": True}]),
        ("metrics", [{**WAITING, "target": None}]),
        ("metrics", [{**WAITING, "basis": "average"}]),
        ("metrics", [{**WAITING, "basis": ""}]),
        ("metrics", [{**WAITING, "query": "up"}]),
        ("metrics", [{**WAITING, "colour": "red"}]),
        ("metrics", [{**CPU, "target": 70}]),
        ("metrics", [{**CPU, "target": 0.05}]),
        ("metrics", [{**QUERY, "query": " "}]),
        ("metrics", [{**QUERY, "query": "x" * 2001}]),
        ("metrics", [{**QUERY, "query": None}]),
        ("metrics", [QUERY, QUERY]),
        ("metrics", [{**QUERY, "query": f"up + {number}"} for number in range(11)]),
        ("metrics", [{**WAITING, "fallback": 2}]),
        ("metrics", [{**WAITING, "fallback": {"after": 3}}]),
        ("metrics", [{**WAITING, "fallback": {"after": -1, "replicas": 2}}]),
        ("metrics", [{**WAITING, "fallback": {"after": 3, "replicas": 5}}]),
        ("up_rates", None),
        ("up_rates", [{"unit": "percent", "value": 100, "seconds": 0}]),
        ("up_rates", [{"unit": "percent", "value": 0, "seconds": 15}]),
        ("up_rates", [{"unit": "cores", "value": 1, "seconds": 15}]),
        ("up_rates", [{"unit": "percent", "value": 100}]),
        ("up_rates", [{"unit": "percent", "value": 100, "seconds": 15}] * 6),
        ("down_rates", ["fast"]),
        ("down_rates", [{"unit": "percent", "value": 101, "seconds": 15}]),
    ],
)
def test_a_row_that_is_no_policy_is_refused_by_its_field(field: str, value: object) -> None:
    assert field in troubles(**{field: value})


def test_the_inference_service_is_never_scaled_on_cpu() -> None:
    assert "not scaled on CPU" in troubles(service="inference", metrics=[CPU])["metrics"][0]
    assert policies.shape_of(a_row(service="inference")).service == "inference"


def test_the_most_is_not_less_than_the_least() -> None:
    assert troubles(least=5, most=4) == {"most": ["The most must not be less than the least."]}


def test_every_trouble_is_told_at_once() -> None:
    bad = {**WAITING, "target": 0, "basis": "average"}
    found = troubles(least=0, most=99, metrics=[WAITING, bad], tolerance=7)
    assert set(found) == {"least", "most", "metrics", "tolerance"}
    assert [words[:9] for words in found["metrics"]] == ["Metric 2:", "Metric 2:", "A metric "]


def test_two_expressions_are_two_metrics() -> None:
    other = {**QUERY, "query": "up"}
    assert len(policies.shape_of(a_row(metrics=[QUERY, other])).metrics) == 2


def test_a_decision_is_a_row_of_codes_and_numbers() -> None:
    decision = decided(a_policy(), a_sample(5, waiting=20), settled(5, 2))
    document = policies.document_of(decision)
    assert json.loads(json.dumps(document, cls=DjangoJSONEncoder)) == {
        "at": "2026-06-01T03:00:00Z",
        "current": 5,
        "recommended": 2,
        "desired": 5,
        "action": "hold",
        "because": "down_window",
        "inputs": [
            {"key": "waiting", "target": 10, "basis": "total", "value": 20, "wants": 2,
             "trouble": ""},
        ],
        "clamps": [
            {"rule": "down_window", "before": 2, "after": 5, "says": "",
             "until": (NOW + 270 * SECOND).isoformat()},
        ],
    }  # fmt: skip
    assert type(document["action"]) is type(document["inputs"][0]["basis"]) is str
    assert ScalingDecision(**document).action == ScalingDecision.Action.HOLD


@pytest.fixture
def row(db: None) -> ScalingPolicy:
    environment = Environment.objects.create(code="staging", engine=Environment.Engine.COMPOSE)
    return a_row(environment=environment)


def changes() -> list[dict[str, Any]]:
    return [
        event.details for event in Event.objects.filter(deed="policy.changed").order_by("number")
    ]


def test_saving_records_who_changed_what_from_what_to_what(row: ScalingPolicy) -> None:
    policies.save(row, caller=CALLER)
    row.most, row.metrics = 8, [WAITING, CPU]
    policies.save(row, caller=CALLER)
    added, changed = changes()
    assert (added["change"], added["to"]["most"]) == ("added", 4)
    assert changed == {
        "change": "changed",
        "from": {"most": 4, "metrics": [WAITING]},
        "to": {"most": 8, "metrics": [WAITING, CPU]},
    }
    event = Event.objects.filter(deed="policy.changed").latest("number")
    assert (event.actor, event.source, event.object_id) == ("ann", "admin", str(row.pk))


def test_saving_what_is_there_already_leaves_no_event(row: ScalingPolicy) -> None:
    policies.save(row, caller=CALLER)
    policies.save(row, caller=CALLER)
    assert len(changes()) == 1


def test_saving_leaves_alone_what_a_turn_has_written_meanwhile(row: ScalingPolicy) -> None:
    policies.save(row, caller=CALLER)
    ScalingPolicy.objects.filter(pk=row.pk).update(decided_at=NOW, held_since=NOW, least=2)
    row.most = 8
    policies.save(row, caller=CALLER)
    row.refresh_from_db()
    assert (row.decided_at, row.held_since, row.most) == (NOW, NOW, 8)


def test_of_two_who_change_one_policy_neither_undoes_the_other(row: ScalingPolicy) -> None:
    policies.save(row, caller=CALLER)
    first, second = (ScalingPolicy.objects.get() for _ in range(2))
    first.most, second.down_window = 8, 600
    policies.save(first, caller=CALLER, names=["most"])
    policies.save(second, caller=CALLER, names=["down_window"])
    row.refresh_from_db()
    assert (row.most, row.down_window, second.most) == (8, 600, 8)
    assert [change["to"] for change in changes()[1:]] == [{"most": 8}, {"down_window": 600}]


def test_two_changes_that_make_no_policy_together_are_refused(row: ScalingPolicy) -> None:
    policies.save(row, caller=CALLER)
    first, second = (ScalingPolicy.objects.get() for _ in range(2))
    first.most, second.least = 2, 3
    policies.save(first, caller=CALLER, names=["most"])
    with pytest.raises(ValidationError, match="less than the least"):
        policies.save(second, caller=CALLER, names=["least"])
    row.refresh_from_db()
    assert (row.least, row.most) == (1, 2)


def test_a_change_of_rules_that_are_others_by_now_is_refused(row: ScalingPolicy) -> None:
    policies.save(row, caller=CALLER)
    read = policies.fingerprint(ScalingPolicy.objects.get())
    row.most = 8
    policies.save(row, caller=CALLER, read=read)
    row.most = 4
    with pytest.raises(Refused, match="Somebody has changed"):
        policies.save(row, caller=CALLER, read=read)
    row.refresh_from_db()
    assert row.most == 8


@pytest.mark.django_db
def test_without_docker_only_the_workers_that_are_there_are_scaled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    here = Environment.objects.create(code="here", engine=Environment.Engine.EMBEDDED)
    found = troubles(environment=here, service="web")
    assert "web runs once: there is nothing to scale." in found["service"]
    assert "most" in troubles(environment=here, most=4)
    assert policies.shape_of(a_row(environment=here, most=3)).most == 3


def test_what_is_no_policy_is_not_saved(row: ScalingPolicy) -> None:
    row.most = 99
    with pytest.raises(ValidationError):
        policies.save(row, caller=CALLER)
    assert not ScalingPolicy.objects.exists()


def test_a_second_policy_of_a_service_is_refused(row: ScalingPolicy) -> None:
    policies.save(row, caller=CALLER)
    with pytest.raises(ValidationError, match="has a policy already"):
        policies.save(a_row(environment=row.environment), caller=CALLER)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_add_one_at_once_the_second_is_refused(transactional_db: None) -> None:
    environment = Environment.objects.create(code="staging", engine=Environment.Engine.COMPOSE)

    def add() -> None:
        policies.save(a_row(environment=environment), caller=CALLER)

    outcomes = run_concurrently([add] * 4)
    refused = [one for one in outcomes if one is not None]
    assert len(refused) == 3
    assert all(isinstance(one, ValidationError) for one in refused), refused
    assert (ScalingPolicy.objects.count(), len(changes())) == (1, 1)


def test_a_removed_policy_leaves_its_rules_and_its_samples(row: ScalingPolicy) -> None:
    policies.save(row, caller=CALLER)
    ScalingSample.objects.create(environment=row.environment, service=row.service)
    factories.decision(row, outcome="done")
    policies.remove(row, caller=CALLER)
    assert not ScalingPolicy.objects.exists()
    assert ScalingSample.objects.exists()
    event = Event.objects.latest("number")
    assert (event.details["change"], event.details["service"]) == ("removed", "worker")
    assert event.details["from"]["metrics"] == [WAITING]
    policies.remove(row, caller=CALLER)
    assert len(changes()) == 2


def test_a_policy_is_not_removed_while_its_change_is_being_done(row: ScalingPolicy) -> None:
    policies.save(row, caller=CALLER)
    change = factories.decision(row, outcome="doing")
    with pytest.raises(Busy, match="being done"):
        policies.remove(row, caller=CALLER)
    ScalingDecision.objects.filter(pk=change.pk).update(at=now() - GIVEN_UP)
    policies.remove(row, caller=CALLER)
    assert not ScalingPolicy.objects.exists()
