"""The pictures of the READMEs and of docs/operations.md, drawn anew: `make screenshots`."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils.timezone import now
from pytest_django import Settings

from opsconsole.models import Backup, BackupCopy
from scoring.inference import Inference
from scoring.intake import submissions
from scoring.machine import batches
from scoring.marks import giving, settlement
from scoring.models import Answer, Exam, Mark
from tests import marked_exam
from tests.browser.conftest import Open
from tests.factories import make_user
from tests.opsconsole.backups_made import made, plan, verification, with_files
from tests.paths import ROOT, SAMPLE
from tests.sample_exam import SAID, SAID_AGAIN, grouped, hand_in, load

pytestmark = pytest.mark.django_db(transaction=True)
IMAGES = ROOT / "docs" / "images"
DESK = "/admin/marking/desk/SAMPLE-PM/"
TWICE = {"device_scale_factor": 1.5}
TALL = {"device_scale_factor": 1.5, "viewport": {"width": 1280, "height": 1180}}


@pytest.fixture
def exam(inference_url: str) -> Exam:
    """The sample exam, scored by the machine, a third of its answers marked."""
    found = load("Q1", "Q2", "Q3", "Q4", "Q5", "Q6", shown="evidence")
    codes = set(found.questions.values_list("code", flat=True))
    lines = map(json.loads, (SAMPLE / "answers.jsonl").read_text("utf-8").splitlines())
    records = [
        {**one, "answers": [a for a in one["answers"] if a["question"] in codes]} for one in lines
    ]
    submissions.accept_all(enumerate(one for one in records if one["answers"]))
    with_token = Inference(inference_url, "a-token-for-tests", 120.0)
    for question in found.questions.all():
        batches.score_waiting(question, with_token)
    settlement.settle(Answer.objects.values_list("pk", flat=True))
    return found


def shown_well(exam: Exam) -> Answer:
    """Still in the queue, with evidence for both criteria, each elsewhere, as long as it may be."""
    marks = Mark.objects.filter(source="machine", answer__question__code="Q1", points__gte=5)
    found = marks.filter(answer__review="queued", answer__question__exam=exam)

    def worth(mark: Mark) -> tuple[int, int]:
        starts = {span["start"] for one in mark.criteria for span in one["evidence"]}
        return len(starts), min(len(mark.answer.text), 35)

    return max(found, key=worth).answer


def test_the_marking_page(browse: Open, exam: Exam) -> None:
    user, other = make_user("marker", staff=True), make_user("exam manager", staff=True)
    for number, answer in enumerate(Answer.objects.filter(question__exam=exam).order_by("pk")):
        if number % 7 < 3:
            points = {one.code: 1 for one in answer.question.criteria.all()}
            giving.give(answer, user if number % 7 == 0 else other, {"criteria": points})
    Answer.objects.filter(pk=shown_well(exam).pk).update(urgency=99)
    page = browse(user, f"{DESK}?question=Q1", **TWICE)
    page.keyboard.press("4")
    page.screenshot(path=IMAGES / "marking-page.png")


def test_a_group(browse: Open, exam: Exam) -> None:
    said = [SAID, SAID_AGAIN, SAID, f"{SAID}。", "現場の業務の実態を要件に反映させるため", SAID]
    grouped(hand_in(exam, "Q1", said, 500))
    page = browse(make_user("marker", staff=True), f"{DESK}groups/?question=Q1", **TWICE)
    page.keyboard.press("3")
    page.screenshot(path=IMAGES / "group-page.png")


def test_the_agreement_page(browse: Open) -> None:
    told = marked_exam.build()
    page = browse(
        make_user("exam manager", staff=True),
        f"/admin/scoring/exam/{told.exam.pk}/agreement/",
        **TALL,
    )
    assert re.search("一致", page.title())
    page.wait_for_timeout(500)
    page.screenshot(path=IMAGES / "agreement-page.png")


@pytest.fixture
def console(settings: Settings, tmp_path: Path) -> Backup:
    """Two weeks of backups; the one that is shown has files, copies and a verification."""
    settings.BACKUP_DIR, settings.MEDIA_ROOT = tmp_path / "backups", tmp_path / "uploads"
    daily = plan(stores=["local", "offsite"])
    for day in range(1, 15):
        size, seconds = 480_000_000 - day * 6_000_000, 75.0 - day
        made(timedelta(days=day), plan=daily, bytes=size, seconds=seconds)
    made(
        timedelta(hours=9),
        plan=daily,
        status="failed",
        reason="310 MB are free, and 940 MB may be needed",
        verified_at=None,
        bytes=None,
        seconds=3.1,
    )
    shown = made(
        timedelta(hours=2),
        plan=daily,
        note="before the exam",
        held=True,
        bytes=481_000_000,
        seconds=76.0,
    )
    with_files(shown, settings.BACKUP_DIR, {"database/toc.dat": b"toc", "uploads.tar": b"tar"})
    copies = [
        BackupCopy(backup=backup, store=store, status="stored", checked_at=now())
        for backup in Backup.objects.good()
        for store in ("local", "offsite")
    ]
    BackupCopy.objects.bulk_create(copies)
    shown.manifest["tables"]["scoring_exam"]["rows"] = 0
    shown.save()
    verification(shown)
    return shown


@pytest.mark.parametrize("name", ["list", "restore"])
def test_the_pages_of_backups(browse: Open, console: Backup, name: str) -> None:
    load("Q1")
    address = {
        "list": "/admin/opsconsole/backup/",
        "restore": f"/admin/opsconsole/backup/{console.pk}/restore/",
    }[name]
    operator = make_user("operator", staff=True)
    page = browse(operator, address, locale="en-US", **TALL)
    page.wait_for_timeout(500)
    page.screenshot(path=IMAGES / f"backup-{name}.png")
