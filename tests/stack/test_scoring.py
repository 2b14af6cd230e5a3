"""Five hundred answers, handed in one by one from outside: all scored once, by all replicas."""

import time

from tests.stack import balance, count
from tests.stack.callers import Api, Load, answer
from tests.stack.conftest import Told
from tests.stack.stack import Stack

ANSWERS = 500


def test_it_scores_every_answer_once_and_spreads_them_over_the_replicas(
    stack: Stack, api: Api, told: Told
) -> None:
    already, before = count.total(stack), balance.servers(stack)
    began = time.monotonic()
    with Load(api, callers=4, pause=0, most=ANSWERS) as load:
        load.wait()
    handed_in = time.monotonic() - began
    assert load.failures == []
    count.wait_until_scored(stack)
    told(f"{ANSWERS} answers accepted in {handed_in:.1f} s")
    told(f"scored {time.monotonic() - began:.1f} s after the first was sent")
    assert count.assert_each_was_scored_once(stack) == already + ANSWERS
    shares = balance.answered_since(stack, before)
    assert len(shares) == len(stack.containers("web")) == 2
    assert min(shares.values()) > 0.3 * ANSWERS, shares
    told(f"spread over the replicas {sorted(shares.values())}")


def test_a_mark_comes_back_with_its_evidence(stack: Stack, api: Api) -> None:
    with api.client() as client:
        accepted = client.post("/api/v1/submissions", json=answer())
        count.wait_until_scored(stack)
        [told] = client.get(f"/api/v1/submissions/{accepted.json()['id']}").json()["answers"]
    assert told["status"] == "scored"
    [mark] = told["marks"]
    assert mark["source"] == "machine"
    assert {criterion["code"] for criterion in mark["criteria"]} == {"C1", "C2"}


def test_the_statistics_page_wants_its_password(stack: Stack) -> None:
    assert balance.statistics(stack, "wrong").status_code == 401
    assert balance.statistics(stack, stack.secret("haproxy_password")).status_code == 200


def test_the_logs_name_no_answers_text_and_no_search(stack: Stack, api: Api) -> None:
    with api.client() as client:
        client.get("/api/v1/answers", params={"exam": "PM-2026", "question": "Q1"})
    time.sleep(1)
    lines = stack.compose("logs", "--no-color")
    assert "合意しないまま" not in lines
    assert "question=Q1" not in lines
