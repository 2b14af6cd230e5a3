"""Texts that say nearly the same come together; a word that reverses them keeps them apart."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from inference_server import grouping
from inference_server.grouping import Leaders, group
from inference_server.scorer import Scorer
from tests.inference.serving import HEADERS, lines_of

REASON = "要件が途中で変わったから"


def grouped(scorer: Scorer, *texts: str, distance: float = 0.05) -> list[set[str]]:
    """The groups as sets of texts."""
    *_, last = group(scorer, [(text, text) for text in texts], distance)
    return [set(group["ids"]) for group in last["groups"]]


def test_endings_and_punctuation_come_together_and_other_reasons_do_not(scorer: Scorer) -> None:
    near = {REASON, "要件が途中で変わったため", "要件が、途中で変わったから。"}
    assert grouped(scorer, *sorted(near), "体制が整っていなかったから") == [near]


def test_the_same_number_in_other_letters_keeps_nothing_apart(scorer: Scorer) -> None:
    near = {"Two weeks were too short", "two weeks were too short"}
    assert grouped(scorer, *sorted(near)) == [near]


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("納期が3月だったから", "納期が5月だったから"),
        ("関係部門と合意したから", "関係部門と合意しなかったから"),
        ("品質が十分だったから", "品質が不十分だったから"),
        ("The scope was agreed upon", "The scope was not agreed upon"),
        ("They had 2 weeks for it", "They had 10 weeks for it"),
        ("納期を一か月延ばす", "納期を二か月延ばす"),
        ("要件確認会を三回開いて合意する", "要件確認会を二回開いて合意する"),
        ("費用が十パーセント増えたから", "費用が五パーセント増えたから"),
        ("要員を二十名追加する", "要員を十二名追加する"),
        ("開発2名とテスト3名を追加する", "開発3名とテスト2名を追加する"),
        ("フェーズⅠを延ばしたから", "フェーズⅡを延ばしたから"),
        ("They asked for two more weeks", "They asked for three more weeks"),
        ("Twenty-one people joined", "Twenty-two people joined"),
        ("The first phase was late", "The second phase was late"),
    ],
)
def test_another_number_or_a_negation_keeps_texts_apart(
    scorer: Scorer, text: str, other: str
) -> None:
    assert grouped(scorer, text, other, distance=1.0) == []


def test_the_first_leads_and_no_member_is_further_than_the_distance(scorer: Scorer) -> None:
    texts = [REASON, "要件が途中で変わったため", "要件が途中で変わったから。", "天気がよかった"]
    *_, last = group(scorer, [(str(n), text) for n, text in enumerate(texts)], 0.05)
    (only,) = last["groups"]
    assert only["ids"][0] == "0"
    assert only["distances"][0] == 0
    assert all(0 < distance <= 0.05 for distance in only["distances"][1:])
    assert last["model"] == scorer.encoder.model


def test_a_full_group_begins_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "MAX_MEMBERS", 2)
    leaders = Leaders(2)
    leaders.place(list("abc"), np.tile(np.array([[1.0, 0.0]], np.float32), (3, 1)), 0.1)
    leaders.place(["d"], np.array([[1.0, 0.0]], np.float32), 0.1)
    assert [group.ids for group in leaders.groups] == [["a", "b"], ["c", "d"]]


def test_it_reports_its_progress_and_blank_texts_join_nothing(scorer: Scorer) -> None:
    texts = [(str(n), "" if n % 2 else f"解答その{n}") for n in range(600)]
    lines = list(group(scorer, texts, 0.0))
    assert [line["fraction"] for line in lines[:-1]] == [0.4267, 0.8533, 1.0]
    assert lines[-1]["groups"] == []


@pytest.fixture(scope="module")
def client(inference_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=inference_url, headers=HEADERS, timeout=60) as client:
        yield client


def body(**changes: Any) -> dict[str, Any]:
    texts = [{"id": "1", "text": REASON}, {"id": "2", "text": f"{REASON}。"}]
    return {"texts": texts, "distance": 0.05, **changes}


def test_the_service_streams_progress_and_then_the_groups(client: httpx.Client) -> None:
    response = client.post("/v1/groups", json=body())
    progress, last = lines_of(response)
    assert progress == {"stage": "grouping", "fraction": 1.0}
    assert [group["ids"] for group in last["groups"]] == [["1", "2"]]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"distance": 2}, "/distance"),
        ({"distance": "x"}, "/distance"),
        ({"texts": [{"id": "1", "text": "\ud800"}]}, "/texts/0/text"),
        ({"texts": [{"id": "1", "text": "a"}] * 2}, "same id"),
        ({"more": 1}, "/more"),
    ],
)
def test_the_service_says_what_is_wrong(
    client: httpx.Client, changes: dict[str, Any], pointer: str
) -> None:
    response = client.post("/v1/groups", content=json.dumps(body(**changes)))
    assert response.status_code == 422
    assert pointer in response.json()["error"]


def test_the_service_refuses_a_text_that_no_question_takes(client: httpx.Client) -> None:
    texts = [{"id": "1", "text": REASON}, {"id": "2", "text": "\ufdfa" * 3000}]
    assert client.post("/v1/groups", json=body(texts=texts)).status_code == 413


def test_the_service_wants_its_token(client: httpx.Client) -> None:
    response = client.post("/v1/groups", json=body(), headers={"Authorization": "Bearer x"})
    assert response.status_code == 401
