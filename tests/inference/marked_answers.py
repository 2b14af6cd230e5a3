"""Marked answers by a fixed rule: what they name earns points, and their wording varies."""

from typing import Any

from tests.inference import sample_texts

CAUSES = (
    "利用部門が要件を確認していなかった",
    "要件の確認に利用部門が加わらなかった",
    "利用部門による要件の確認が済んでいなかった",
)
ROLES = (
    "ベンダーとの役割分担があいまいだった",
    "ベンダーと誰が何を担うか決めていなかった",
    "役割分担をベンダーと取り決めていなかった",
)
OTHERS = (
    "予算が足りなかった",
    "天候が悪かった",
    "担当者が風邪で休んだ",
    "会議室が空いていなかった",
)


def answers(number: int) -> list[dict[str, Any]]:
    """Examples with points by criterion, no two texts alike."""
    return [_answer(index) for index in range(number)]


def _answer(index: int) -> dict[str, Any]:
    has_cause, has_role = index % 2 == 0, index % 3 == 0
    parts = [CAUSES[index // 2 % 3]] if has_cause else []
    parts += [ROLES[index // 3 % 3]] if has_role else []
    parts += [OTHERS[index % 4]]
    text = "、また".join(parts) + f"からである。{sample_texts.JAPANESE[index % 10]}（{index}）"
    criteria = {"C1": 4 * has_cause, "C2": 2 * has_role}
    return {"text": text, "points": sum(criteria.values()), "criteria": criteria}
