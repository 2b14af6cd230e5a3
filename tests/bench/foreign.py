"""What the product tells a calibration of the exam's other questions."""

from collections.abc import Iterable
from typing import Any


def right_texts(wires: Iterable[dict[str, Any]]) -> list[str]:
    """Model answers and references, as `scoring.calibration.fitting.foreign_texts` sends them."""
    texts = [
        text
        for wire in wires
        for text in (
            *wire["model_answers"],
            *(text for criterion in wire["criteria"] for text in criterion["references"]),
        )
    ]
    return list(dict.fromkeys(texts))
