"""Of scaling policies: which there are, what was decided last, when, and since when one holds."""

from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from opsconsole.models import ScalingPolicy

NAMES = {
    "pmscoring_scaling_policy",
    "pmscoring_scaling_desired",
    "pmscoring_scaling_decision_timestamp_seconds",
    "pmscoring_scaling_holds_since_timestamp_seconds",
}
LABELS = ["environment", "service"]


def collect() -> Iterator[Metric]:
    """The families of NAMES that have a sample; replicas are among those of environments."""
    there = GaugeMetricFamily(
        "pmscoring_scaling_policy", "1 for each policy that is to be decided on", labels=LABELS
    )
    desired = GaugeMetricFamily(
        "pmscoring_scaling_desired", "Replicas that the policy decided on last", labels=LABELS
    )
    decided = GaugeMetricFamily(
        "pmscoring_scaling_decision_timestamp_seconds",
        "When the policy was last decided on",
        labels=LABELS,
    )
    holds = GaugeMetricFamily(
        "pmscoring_scaling_holds_since_timestamp_seconds",
        "Since when a policy at work is kept from what is wanted: data or room are missing, or its"
        " changes fail",
        labels=LABELS,
    )
    for policy in ScalingPolicy.objects.at_work().select_related("environment"):
        labels = [policy.environment.code, policy.service]
        there.add_metric(labels, 1)
        if policy.decided_at:
            decided.add_metric(labels, policy.decided_at.timestamp())
        if last := policy.decisions.first():
            desired.add_metric(labels, last.desired)
        if policy.held_since and not policy.dry_run and not policy.is_paused():
            holds.add_metric(labels, policy.held_since.timestamp())
    yield from (there, desired, decided, holds)
