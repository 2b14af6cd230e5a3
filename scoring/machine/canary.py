"""A fixed question with a right and a wrong answer: tries the way to the inference service."""

from dataclasses import dataclass
from typing import Any

from scoring.inference import Inference, InferenceError

QUESTION: dict[str, Any] = {
    "language": "ja",
    "prompt": "現場の担当者に要件確認会への参加を要請した狙いは何か。",
    "passage": "",
    "max_points": 6,
    "step": 1,
    "limits": {"min": None, "max": 60, "count": "characters", "over_limit": "flag"},
    "criteria": [
        {
            "code": "C1",
            "label": "現場の業務の実態が要件に反映される",
            "points": 4,
            "references": ["現場の業務の実態を要件に反映する"],
            "keywords": ["現場", "要件"],
        },
        {
            "code": "C2",
            "label": "要件の漏れや後の手戻りを防ぐ",
            "points": 2,
            "references": ["要件の抜け漏れを防ぐ"],
            "keywords": ["漏れ", "手戻り"],
        },
    ],
    "model_answers": ["現場の業務の実態を要件に反映し，要件の漏れを防ぐこと"],
    "sections": [],
}
RIGHT = ("right", "現場の業務の実態を要件に反映し，要件の抜け漏れを防ぐため")
WRONG = ("wrong", "天気が良かったので散歩に出かけたから")


class CanaryFailed(Exception):
    """The service is not reached, or does not tell a right answer from a wrong one."""


@dataclass(frozen=True)
class Marks:
    """The points of both answers, out of six, and the model that gave them."""

    right: float
    wrong: float
    model: str


def sing(inference: Inference) -> Marks:
    """Have both answers marked without a calibration; raises CanaryFailed with the reason."""
    try:
        model, results = inference.score(QUESTION, [RIGHT, WRONG])
        marks = Marks(results["right"]["points"], results["wrong"]["points"], model)
    except InferenceError as error:
        raise CanaryFailed(str(error) or type(error).__name__) from error
    except (KeyError, TypeError) as error:
        raise CanaryFailed(f"the inference service's answer lacks {error}") from error
    if marks.right <= marks.wrong:
        raise CanaryFailed(
            f"the right answer got {marks.right} points, and the wrong one {marks.wrong}"
        )
    return marks
