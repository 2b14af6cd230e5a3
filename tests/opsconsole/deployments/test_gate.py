"""The gate's judge, with worked numbers."""

import pytest

from opsconsole.deployments import gate
from opsconsole.deployments.gate import Figures, Verdict
from opsconsole.engines.traffic import Request

NONE = Figures()


@pytest.mark.parametrize(
    ("new", "old", "verdict"),
    [
        # Enough requests, none failed, as quick as before.
        (Figures(200, 0, 40.0), Figures(1000, 0, 40.0), Verdict.PASSED),
        # Missing figures never pass, and neither do too few.
        (NONE, NONE, Verdict.TOO_FEW),
        (Figures(199, 0, 40.0), NONE, Verdict.TOO_FEW),
        (Figures(500, 0, None), NONE, Verdict.TOO_FEW),
        # Four faults are no rate, whatever they are of; five of 50 are 10 %.
        (Figures(8, 4, None), NONE, Verdict.TOO_FEW),
        (Figures(50, 5, None), NONE, Verdict.FAILED),
        # 4 of 200 is 2 %, which is allowed; 5 of 200 is 2.5 %.
        (Figures(200, 4, 40.0), NONE, Verdict.PASSED),
        (Figures(200, 5, 40.0), NONE, Verdict.FAILED),
        # The old one fails 5 % already: 10 % are allowed, 11 % are not.
        (Figures(200, 20, 40.0), Figures(1000, 50, 40.0), Verdict.PASSED),
        (Figures(200, 22, 40.0), Figures(1000, 50, 40.0), Verdict.FAILED),
        # Twice as long is allowed, more is not; five times is what a bad version takes.
        (Figures(200, 0, 200.0), Figures(1000, 0, 100.0), Verdict.PASSED),
        (Figures(200, 0, 201.0), Figures(1000, 0, 100.0), Verdict.SLOW),
        (Figures(200, 0, 500.0), Figures(1000, 0, 100.0), Verdict.SLOW),
        # The third slowest of 51 is no p95, as a site with slow callers showed.
        (Figures(61, 0, 1028.0), Figures(1610, 0, 372.0), Verdict.TOO_FEW),
        (Figures(199, 0, 500.0), Figures(1000, 0, 100.0), Verdict.TOO_FEW),
        # 55 ms in place of 5 is not seen by people; 56 ms is beyond.
        (Figures(200, 0, 55.0), Figures(1000, 0, 5.0), Verdict.PASSED),
        (Figures(200, 0, 56.0), Figures(1000, 0, 5.0), Verdict.SLOW),
        # Nothing is known of the old one: its own figures decide.
        (Figures(200, 0, 900.0), NONE, Verdict.PASSED),
    ],
)
def test_it_judges(new: Figures, old: Figures, verdict: Verdict) -> None:
    assert gate.judge(new, old).verdict is verdict


def test_every_verdict_has_words() -> None:
    assert gate.judge(Figures(200, 5, 40.0), NONE).says == (
        "5 of 200 requests to the new version failed; allowed are 2.0%, the old one's are 0.0%"
    )
    assert gate.judge(Figures(200, 0, 500.0), Figures(99, 0, 100.0)).says == (
        "the slowest twentieth of requests takes 500 ms, with the old version 100 ms"
    )
    assert gate.judge(Figures(12, 0, None), NONE).says == "12 of 200 requests were seen"
    assert gate.judge(Figures(300, 1, 42.0), Figures(99, 0, 40.0)).says == (
        "300 requests, 1 failed, 95 of 100 within 42 ms (before: 40 ms)"
    )


def test_the_p95_is_the_nearest_rank() -> None:
    assert gate.p95(range(1, 101)) == 95.0
    assert gate.p95([1.0] * 49) is None
    assert gate.p95([10.0] * 47 + [90.0] * 3) == 90.0
    assert gate.p95([10.0] * 48 + [90.0] * 2) == 10.0


def test_the_figures_are_of_the_new_replicas_alone() -> None:
    requests = [
        *[Request("10.0.0.1", 200, 1000)] * 10,  # cold
        *[Request("10.0.0.1", 200, 20)] * 60,
        *[Request("10.0.0.1", 500, 30)] * 2,
        *[Request("10.0.0.1", 500, 30, by_client=True)] * 5,  # whoever broke off
        *[Request("10.0.0.9", 500, 9000)] * 50,  # an old one
        Request("-", 503, 0),
    ]
    figures = gate.figures(requests, ["10.0.0.1"], cold=10)
    assert figures == Figures(72, 2, 20.0)


def test_times_count_from_an_index_on_and_faults_from_the_first() -> None:
    rolling = [*[Request("10.0.0.1", 200, 900)] * 60, Request("10.0.0.1", 500, 900)]
    calm = [Request("10.0.0.1", 200, 20)] * 200
    assert gate.figures(rolling + calm, ["10.0.0.1"], cold=10, timed_from=61) == Figures(
        261, 1, 20.0
    )
    few = gate.figures(rolling + calm[1:], ["10.0.0.1"], timed_from=61, least=200)
    assert few == Figures(260, 1, None)
