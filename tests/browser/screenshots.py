"""The pictures of the READMEs and of docs/operations.md, drawn anew: `make screenshots`."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils.timezone import now
from pytest_django import Settings

from opsconsole.models import Backup, BackupCopy, ExamWindow, ScalingPolicy
from scoring.inference import Inference
from scoring.intake import submissions
from scoring.machine import batches
from scoring.marks import giving, settlement
from scoring.models import Answer, Exam, Mark
from tests import marked_exam
from tests.browser.conftest import Open
from tests.factories import make_user
from tests.opsconsole.backups_made import made, plan, verification, with_files
from tests.opsconsole.environments_made import (
    deployment,
    environment,
    operation,
    release,
    replica,
    seen,
)
from tests.opsconsole.scaling.factories import (
    REQUESTS,
    TICK,
    a_day,
    clamp,
    decision,
    input_of,
    policy,
)
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


@pytest.fixture
def environments(db: None) -> dict[str, str]:
    """An installation in which a web replica is sick, a plan, and a deployment under way."""
    production = environment(base_url="https://scoring.example")
    release(production, "1.4.0", live=True)
    sick = replica("web", 2, health="unhealthy", health_says="GET /health/ready: 503", restarts=3)
    now_seen = json.dumps(seen(web=[replica("web", 1), sick]))
    production.seen = json.loads(now_seen.replace(":1.0.0", ":1.4.0"))
    production.save()
    lines = [
        "docker pull registry.example/pm-scoring-app:1.5.0",
        "docker pull registry.example/pm-scoring-inference:1.5.0",
        "docker pull registry.example/pm-scoring-ops:1.5.0",
        "back up the database and verify it, if there are migrations to apply",
        "python manage.py migrate --noinput, in the new image, if there are any",
        "docker compose up -d --no-deps --no-recreate --scale inference=2 inference",
        "docker compose up -d --no-deps --no-recreate --scale worker=2 worker",
        "docker compose up -d --no-deps --no-recreate --scale web=4 web",
        "docker compose up -d --no-deps beat",
        "watch the new containers for 60 s",
        "Containers that are replaced: inference, worker, web, beat, ops",
    ]
    plan_made = operation(
        production,
        "plan",
        status="done",
        output="\n".join(lines),
        arguments={"version": "1.5.0"},
    )
    says = "4 of 4 containers are healthy\n2911 requests, 0 failed, 95 of 100 within 83 ms"
    rolling = deployment(
        production,
        "1.5.0",
        status="soaking",
        why="the rubric of the spring exam",
        backup=made(timedelta(minutes=4)),
        claimed_at=now(),
        since=now() - timedelta(seconds=40),
        requested_at=now() - timedelta(minutes=4),
        fraction=0.8,
        stage="watching the new version",
        steps=[
            _step("preparing the images", 21.4, "3 images are here"),
            _step("backing up the database", 76.0, "verified"),
            _step("migrating the database", 4.2, "scoring.0013_more_rubrics"),
            _step("rolling out inference", 31.0, "healthy after 24 s"),
            _step("rolling out worker", 18.3, "2 of 2"),
            _step("rolling out web", 52.9, says),
            _step("rolling out beat", 6.1, ""),
            {"name": "watching the new version", "state": "running", "seconds": None, "says": ""},
        ],
        verdict={
            "callers": {"requests": 2911, "failed": 0, "p95_ms": 83.0},
            "before": {"callers": {"requests": 9120, "failed": 1, "p95_ms": 79.0}},
        },
    )
    console = "/admin/opsconsole"
    return {
        "environment": f"{console}/environment/{production.pk}/change/",
        "deployment-plan": f"{console}/environment/{production.pk}/plan/{plan_made.pk}/",
        "deployment": f"{console}/deployment/{rolling.pk}/change/",
    }


def _step(name: str, seconds: float, says: str) -> dict[str, Any]:
    return {"name": name, "state": "done", "seconds": seconds, "says": says}


@pytest.mark.parametrize("name", ["environment", "deployment-plan", "deployment"])
def test_the_pages_of_environments(browse: Open, environments: dict[str, str], name: str) -> None:
    operator = make_user("operator", staff=True)
    page = browse(operator, environments[name], locale="en-US", timezone_id="Asia/Tokyo", **TALL)
    page.wait_for_timeout(500)
    page.screenshot(path=IMAGES / f"{name}.png")


@pytest.fixture
def scaling(db: None) -> ScalingPolicy:
    """A policy with a day behind it, in which a morning's burst was followed by a quiet noon."""
    production = environment()
    row = policy(of=production, startup_seconds=14.0, metrics=[REQUESTS])
    loads = (6, 7, 9, 24, 38, 36, 22, 12, 17, 27, 18, 12)
    a_day(row, loads, now() - timedelta(hours=1), timedelta(hours=22), timedelta(seconds=30))
    a_day(row, (12, 14, 27, 38, 33, 26, 22), span=timedelta(minutes=58), every=TICK)
    bound = [clamp("down_window", 2, 3, until=(now() + timedelta(minutes=3)).isoformat())]
    decision(
        row, now(), current=3, desired=3, recommended=2, action="hold", because="down_window",
        inputs=[input_of(REQUESTS, 18.0, 2)], clamps=bound,
    )  # fmt: skip
    starts = now() + timedelta(days=2)
    ExamWindow.objects.create(
        name="Spring exam",
        starts_at=starts,
        ends_at=starts + timedelta(hours=8),
        floors={"web": 4},
    )
    return row


def test_the_page_of_a_policy(browse: Open, scaling: ScalingPolicy) -> None:
    operator = make_user("operator", staff=True)
    address = f"/admin/opsconsole/scalingpolicy/{scaling.pk}"
    zone = {"locale": "en-US", "timezone_id": "Asia/Tokyo"}
    page = browse(operator, f"{address}/change/", **zone, **TALL)
    page.wait_for_timeout(500)
    page.screenshot(path=IMAGES / "scaling-policy.png")
    page.goto(f"{address}/edit/")
    page.fill("[name=metric-0-target]", "7")
    page.fill("[name=most]", "6")
    page.locator("[name=_preview]").click()
    page.locator("#preview").wait_for()
    page.wait_for_timeout(500)
    page.screenshot(path=IMAGES / "scaling-preview.png")
