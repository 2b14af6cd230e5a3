"""The policies that are compared: the ones that the product ships, and Kubernetes' own defaults.

Targets that count requests or answers are those of the shipped policies in proportion to what a
replica of the simulated service can do; its least and most are the service's.
"""

from dataclasses import replace

from opsconsole.scaling.shapes import Basis, Behaviour, Kind, Metric, Policy
from tests.bench.autoscale.service import Spec

WEB = Policy(
    "web",
    least=1,
    most=4,
    metrics=[
        Metric(Kind.REQUESTS, 8.0, Basis.TOTAL),
        Metric(Kind.LATENCY, 1000.0, Basis.AVERAGE),
        Metric(Kind.CPU, 0.8, Basis.AVERAGE),
    ],
)
WORKER = Policy(
    "worker",
    least=1,
    most=4,
    metrics=[
        Metric(Kind.WAITING, 200.0, Basis.TOTAL),
        Metric(Kind.OLDEST, 60.0, Basis.AVERAGE),
    ],
)
HPA_TARGET = 0.5
"""Of CPU: that of Kubernetes' own walkthrough."""


def ours(service: str, spec: Spec) -> Policy:
    """As it is shipped, with the simulated service's bounds."""
    policy = WEB if service == "web" else WORKER
    return replace(policy, least=spec.least, most=spec.most)


def hpa(service: str, spec: Spec, behaviour: Behaviour, target: float = HPA_TARGET) -> Policy:
    """What a HorizontalPodAutoscaler does that nobody has tuned."""
    metrics = [Metric(Kind.CPU, target, Basis.AVERAGE)]
    return Policy(service, spec.least, spec.most, metrics, behaviour=behaviour)
