"""The exam of the stack tests: the contract's own example."""

import json

from tests.paths import EXAMPLES
from tests.stack.callers import Api


def load_exam(api: Api) -> None:
    """Put it, as an exam manager does."""
    exam = json.loads((EXAMPLES / "exam.json").read_text("utf-8"))["valid"][0]["value"]
    with api.client() as client:
        client.put(f"/api/v1/exams/{exam['code']}", json=exam).raise_for_status()
