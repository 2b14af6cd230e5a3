"""How long a replica takes from its start until it is ready, learnt from samples.

Upwards it is exact to the time between two samples: a replica counts as ready from the first sample
in which it is.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from opsconsole.models import ScalingPolicy, ScalingSample
from opsconsole.scaling.recorded import samples_of
from opsconsole.scaling.sampling import earlier
from opsconsole.scaling.shapes import Sample

REMEMBERED = 10
"""Of the last so many start-ups the slowest counts."""
LONGEST = 600.0
"""Seconds. What becomes ready later than that was ill, and has recovered."""


def learn(policy: ScalingPolicy, sample: Sample) -> None:
    """Keep the start-ups that ended between the sample before, which is a row, and this one.

    One turn at a time samples an environment, so that none is counted twice or lost.
    """
    before = earlier(policy.environment, sample.service, sample.at)
    began = dict(startups(before, sample)) if before else {}
    recovered = _were_ready(policy, sample, began) if began else set()
    seconds = [age for name, age in began.items() if name not in recovered]
    if not seconds:
        return
    policy.startups = [*policy.startups, *seconds][-REMEMBERED:]
    policy.startup_seconds = max(policy.startups)
    ScalingPolicy.objects.filter(pk=policy.pk).update(
        startups=policy.startups, startup_seconds=policy.startup_seconds
    )


def _were_ready(policy: ScalingPolicy, sample: Sample, ages: Mapping[str, float]) -> set[str]:
    """The replicas that were ready since their start already: they have been ill meanwhile."""
    rows = ScalingSample.objects.full().filter(
        environment=policy.environment, service=sample.service
    )
    since = sample.at - timedelta(seconds=max(ages.values()))
    return {
        seen.name
        for early in samples_of(rows.between(since, sample.at))
        for seen in early.replicas
        if seen.ready and sample.at - early.at < timedelta(seconds=ages.get(seen.name, 0.0))
    }


def startups(before: Sample, sample: Sample) -> Iterator[tuple[str, float]]:
    """Each replica that is ready, and in the sample before was not, or was not there; its age."""
    passed = (sample.at - before.at).total_seconds()
    waited_for = {seen.name for seen in before.replicas if not seen.ready}
    for seen in sample.replicas:
        age = seen.age
        if age is None or not seen.ready or age > LONGEST:
            continue
        # Started since, under a new name or again under its old one; or not ready until now.
        if age < passed or seen.name in waited_for:
            yield seen.name, round(age, 1)
