"""`manage.py demo`: the shipped sample exam, scored through REST and set beside its hand marks."""

import json
import os
import shutil
import sys
import time
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError

from pmscoring.base.progress import ProgressBar
from scoring.agreement.kappa import agreement
from scoring.models import ApiToken

SAMPLE = Path(__file__).parents[2] / "sample"
Key = tuple[str, str]


class Command(BaseCommand):
    """Starts an installation of its own under var/demo, unless PMS_URL says where one answers."""

    help = "Score the sample exam through REST; print marks beside hand marks, and agreement"
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit status 0 only when every answer was scored."""
        if "PMS_URL" not in os.environ:
            words = ["--under", "demo", "--fresh", sys.executable, "manage.py", "demo"]
            os.execv(sys.executable, [sys.executable, "-m", "pmscoring.embedded", *words])  # noqa: S606
        headers = {"Authorization": f"Bearer {issue_token()}"}
        base = f"{os.environ['PMS_URL']}/api/v1"
        with httpx.Client(base_url=base, headers=headers, timeout=120, trust_env=False) as client:
            self._score(client)

    def _score(self, client: httpx.Client) -> None:
        exam = json.loads((SAMPLE / "exam.json").read_text("utf-8"))
        _ask(client, "PUT", f"/exams/{exam['code']}", json=exam)
        batch = self._hand_in(client)
        counts = self._wait(client, batch)
        rows = _ask(client, "GET", f"/exams/{exam['code']}/results?format=json")["results"]
        self._show(exam, {(row["candidate"], row["question"]): row["suggested"] for row in rows})
        if counts["scored"] != sum(counts.values()):
            raise CommandError(f"not every answer was scored: {counts}")

    def _hand_in(self, client: httpx.Client) -> int:
        content = (SAMPLE / "answers.jsonl").read_bytes()
        headers = {"Content-Type": "application/x-ndjson"}
        told = _ask(client, "POST", "/submissions/bulk", content=content, headers=headers)
        if told["rejected"]:
            raise CommandError(f"answers.jsonl: {told['rejected'][0]}")
        batch: int = told["batch"]
        return batch

    def _wait(self, client: httpx.Client, batch: int) -> dict[str, int]:
        """Until no answer of the batch is open; the counts by state."""
        bar = ProgressBar(self.stdout, "scored")
        while True:
            counts: dict[str, int] = _ask(client, "GET", f"/batches/{batch}")["answers"]
            done, total = counts["scored"] + counts["failed"], sum(counts.values())
            bar.show(done / max(total, 1), f"{done}/{total} answers", done=done == total)
            if done == total:
                return counts
            time.sleep(0.5)

    def _show(self, exam: dict[str, Any], machine: dict[Key, float | None]) -> None:
        answers, hand = _texts(), _hand_marks()
        pairs: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self.stdout.write(_columns("candidate", "question", "machine", "hand", "answer"))
        for (candidate, question), points in machine.items():
            by_hand = hand.get((candidate, question))
            text = answers.get((candidate, question), "")
            self.stdout.write(
                _columns(candidate, question, _number(points), _number(by_hand), text)
            )
            if points is not None and by_hand is not None:
                pairs[question].append((points, by_hand))
        self.stdout.write("")
        self._show_agreement(exam, pairs)

    def _show_agreement(
        self, exam: dict[str, Any], pairs: dict[str, list[tuple[float, float]]]
    ) -> None:
        self.stdout.write(
            f"{'question':<10}{'of':>5}{'marks':>7}{'exact':>8}{'±1 step':>9}{'QWK':>7}{'MAE':>7}"
        )
        for question in exam["questions"]:
            code = question["code"]
            if not pairs[code]:
                continue
            found = agreement(pairs[code], question.get("step", 1))
            kappa = "-" if found.kappa is None else f"{found.kappa:.2f}"
            self.stdout.write(
                f"{code:<10}{question['max_points']:>5g}{found.count:>7}{found.exact:>8.0%}"
                f"{found.adjacent:>9.0%}{kappa:>7}{found.mae:>7.2f}"
            )


def issue_token() -> str:
    """A token for the user `demo`, good for a day."""
    user, _new = get_user_model().objects.get_or_create(username="demo")
    user.groups.add(Group.objects.get_or_create(name="exam manager")[0])
    return ApiToken.issue(user, "demo", days=1)[1]


def _ask(client: httpx.Client, method: str, path: str, **body: Any) -> Any:
    try:
        response = client.request(method, path, **body)
    except httpx.TransportError as error:
        raise CommandError(f"{method} {path}: {error}") from error
    if response.is_error:
        raise CommandError(f"{method} {path}: {response.status_code} {response.text[:2000]}")
    return response.json()


def _lines(name: str) -> Iterator[dict[str, Any]]:
    with (SAMPLE / name).open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def _hand_marks() -> dict[Key, float]:
    return {(mark["candidate"], mark["question"]): mark["points"] for mark in _lines("marks.jsonl")}


def _texts() -> dict[Key, str]:
    return {
        (line["candidate"], answer["question"]): answer["text"]
        if "text" in answer
        else "".join(answer["sections"])
        for line in _lines("answers.jsonl")
        for answer in line.get("answers", [])
    }


def _number(points: float | None) -> str:
    return "-" if points is None else f"{points:g}"


def _columns(candidate: str, question: str, machine: str, hand: str, text: str) -> str:
    width = shutil.get_terminal_size((100, 24)).columns - 40
    row = f"{candidate:<12}{question:<10}{machine:>8}{hand:>6}  "
    return row + _cut(" ".join(text.split()), max(width, 20))


def _cut(text: str, cells: int) -> str:
    """As much of the text as fits; a full-width character takes two cells of the terminal."""
    used = 0
    for index, character in enumerate(text):
        used += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if used > cells:
            return text[: index - 1] + "…"
    return text
