"""No violation of WCAG 2.2, levels A and AA, on whole pages, in light and dark, by axe."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils.timezone import now
from pytest_django import Settings

from opsconsole.models import ExamWindow, Restore
from scoring.marks import giving
from scoring.models import Answer, Exam
from tests.browser.conftest import Open, visit
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
    WAITING,
    a_day,
    clamp,
    decision,
    input_of,
    policy,
)
from tests.sample_exam import SAID, SAID_AGAIN, grouped, hand_in, load, texts

pytestmark = pytest.mark.django_db(transaction=True)
DESK = "/admin/marking/desk/SAMPLE-PM/"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


def many_criteria(exam: Exam) -> None:
    """In every colour that criteria have."""
    question = exam.questions.get()
    for number in range(3, 9):
        question.criteria.create(code=f"C{number}", label="もう一つ", points=1, position=number)
    question.seal()


@pytest.fixture
def exam() -> Exam:
    """With answers that wait, a group, and a dispute."""
    found = load("Q1", readings=2)
    many_criteria(found)
    disputed = hand_in(found, "Q1", texts("Q1")[:1])
    for role, points in (("viewer", 4), ("client", 1)):
        giving.give(disputed[0], make_user(role, staff=True), {"criteria": {"C1": points, "C2": 1}})
    grouped(hand_in(found, "Q1", [SAID, SAID_AGAIN, SAID], 10))
    hand_in(found, "Q1", texts("Q1")[1:4], 20)
    return found


def violations(page: Any) -> list[str]:
    """Rule, selector and finding of every violation."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [
        f"{one['id']}: {node['target'][0]}: {node['failureSummary']}"
        for one in found
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("place", ["", "groups/", "disputes/"])
def test_the_desk_has_none(browse: Open, exam: Exam, place: str, scheme: str) -> None:
    page = browse(make_user("adjudicator", staff=True), DESK + place, color_scheme=scheme)
    assert page.locator("fieldset").count() == 8
    assert violations(page) == []
    page.keyboard.press("3")
    page.keyboard.press("?")
    assert violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["entry", "answer", "agreement", "overview", "question"])
def test_the_pages_of_the_admin_have_none(browse: Open, exam: Exam, name: str, scheme: str) -> None:
    answer = Answer.objects.filter(question__exam=exam)[0]
    address = {
        "entry": "/admin/marking/",
        "answer": f"/admin/scoring/answer/{answer.pk}/change/",
        "agreement": f"/admin/scoring/exam/{exam.pk}/agreement/",
        "overview": "/admin/",
        "question": f"/admin/scoring/question/{answer.question_id}/change/",
    }[name]
    page = browse(make_user("exam manager", staff=True), address, color_scheme=scheme)
    page.wait_for_timeout(300)  # The theme shows itself when its script has begun.
    assert violations(page) == []


def test_the_page_after_the_last_answer_has_none(browse: Open, exam: Exam) -> None:
    Answer.objects.update(review="none")
    page = browse(make_user("marker", staff=True), DESK)
    assert page.locator("h1").count() == 1
    assert violations(page) == []


@pytest.fixture
def console(settings: Settings, tmp_path: Path) -> dict[str, str]:
    """The addresses of the console's pages, with backups and a restore in every colour."""
    settings.BACKUP_DIR, settings.MEDIA_ROOT = tmp_path / "backups", tmp_path / "uploads"
    daily, backup = plan(), made(plan=plan(), note="before the exam", held=True)
    with_files(backup, settings.BACKUP_DIR, {"database/toc.dat": b"x"})
    verification(backup)
    verification(backup, ok=False, complete=False)
    made(timedelta(days=1))
    made(timedelta(days=2), verified_at=None)
    failed = made(status="failed", verified_at=None, reason="the disk is full")
    running = made(status="running", verified_at=None, fraction=0.4, claimed_at=now())
    rows = {"backup": backup, "backup_name": backup.name, "requested_by": "operator"}
    restoring = Restore.objects.create(**rows, status="restoring", claimed_at=now(), fraction=0.3)
    report = {"rows": 9, "missing_files": ["a.csv"], "missing_files_count": 1}
    restored = Restore.objects.create(**rows, status="done", report=report, previous="before_1")
    return {
        "overview": "/admin/",
        "backups": "/admin/opsconsole/backup/",
        "backup": f"/admin/opsconsole/backup/{backup.pk}/change/",
        "failed": f"/admin/opsconsole/backup/{failed.pk}/change/",
        "running": f"/admin/opsconsole/backup/{running.pk}/change/",
        "now": "/admin/opsconsole/backup/now/",
        "upload": "/admin/opsconsole/backup/upload/",
        "restore": f"/admin/opsconsole/backup/{backup.pk}/restore/",
        "plans": "/admin/opsconsole/backupplan/",
        "plan": f"/admin/opsconsole/backupplan/{daily.pk}/change/",
        "restores": "/admin/opsconsole/restore/",
        "restoring": f"/admin/opsconsole/restore/{restoring.pk}/change/",
        "restored": f"/admin/opsconsole/restore/{restored.pk}/change/",
        "drop": f"/admin/opsconsole/restore/{restored.pk}/drop/",
        "events": "/admin/opsconsole/event/",
    }


@pytest.fixture
def environments(db: None) -> dict[str, str]:
    """The addresses of the pages of environments, with rows in every colour."""
    production = environment(trouble="Docker does not answer")
    live = release(production, live=True)
    sick = replica("web", 1, health="unhealthy", health_says="503", memory_bytes=1_070_000_000)
    staging = environment("staging", seen=seen(web=[sick], beat=[]))
    other = release(staging, "0.9.0", variables={"LOG_LEVEL": "DEBUG"})
    release(staging, live=True)
    added = environment("trial", laid_out_at=None, seen={}, subnet_prefix="172.30")
    steps = [
        {"name": "preparing", "state": "done", "seconds": 4.0, "says": "3 images"},
        {"name": "rolling out web", "state": "failed", "seconds": 9.0, "says": "503"},
    ]
    figures = {"requests": 400, "failed": 40, "p95_ms": 612.0}
    verdict = {"ok": False, "says": "40 failed", "callers": figures}
    under_way = deployment(production, status="rolling", steps=steps, claimed_at=now())
    taken_back = deployment(
        staging, status="rolled_back", reason="40 failed", steps=steps, verdict=verdict
    )
    failed = deployment(staging, status="failed", reason="denied")
    asked = deployment(staging, needs_approval=True)
    log = operation(staging, "logs", status="done", output="2026-11-29T02:00:00+00:00 a line")
    broken = operation(staging, "run", status="failed", reason="killed", exit_code=1)
    plan_ = operation(
        staging, "plan", status="done", output="docker pull x", arguments={"version": "1.2.0"}
    )
    ExamWindow.objects.create(name="w", starts_at=now(), ends_at=now() + timedelta(hours=1))
    console = "/admin/opsconsole"
    page_of = f"{console}/environment/{staging.pk}"
    return {
        "overview": "/admin/",
        "list": f"{console}/environment/",
        "away": f"{console}/environment/{production.pk}/change/",
        "sick": f"{page_of}/change/",
        "added": f"{console}/environment/{added.pk}/change/",
        "new": f"{console}/environment/new",
        "roll out": f"{page_of}/roll-out/",
        "roll back": f"{page_of}/roll-back/",
        "plan": f"{page_of}/plan/{plan_.pk}/",
        "lay out": f"{console}/environment/{added.pk}/roll-out/",
        "scale": f"{page_of}/scale/",
        "run": f"{page_of}/run/",
        "logs": f"{page_of}/logs/",
        "remove": f"{page_of}/remove/",
        "deployments": f"{console}/deployment/",
        "under way": f"{console}/deployment/{under_way.pk}/change/",
        "taken back": f"{console}/deployment/{taken_back.pk}/change/",
        "failed": f"{console}/deployment/{failed.pk}/change/",
        "asked": f"{console}/deployment/{asked.pk}/change/",
        "approve": f"{console}/deployment/{asked.pk}/approve/",
        "cancel": f"{console}/deployment/{asked.pk}/cancel/",
        "break": f"{console}/deployment/{under_way.pk}/break-lock/",
        "releases": f"{console}/release/",
        "live": f"{console}/release/{live.pk}/change/",
        "other": f"{console}/release/{other.pk}/change/",
        "operations": f"{console}/operation/",
        "log": f"{console}/operation/{log.pk}/change/",
        "broken": f"{console}/operation/{broken.pk}/change/",
        "windows": f"{console}/examwindow/",
        "window": f"{console}/examwindow/add/",
    }


@pytest.fixture
def scaling(db: None) -> dict[str, str]:
    """The addresses of the pages of scaling, with decisions in every colour."""
    held = now() - timedelta(minutes=9)
    web = policy(of=environment(), paused_until=now() + timedelta(hours=1), held_since=held)
    a_day(web)
    for outcome in ("dry_run", "paused", "doing", "short", "failed"):
        decision(web, action="up", desired=3, outcome=outcome, says="denied", came=2)
    clamps = [clamp("down_window", 1, 2, until=now().isoformat())]
    last = decision(web, action="hold", because="missing", clamps=clamps)
    worker = policy("worker", dry_run=True, decided_at=held)
    decision(worker, held, inputs=[input_of(WAITING, None)], action="hold")
    console = "/admin/opsconsole"
    page_of = f"{console}/scalingpolicy/{web.pk}"
    return {
        "overview": "/admin/",
        "list": f"{console}/scalingpolicy/",
        "policy": f"{page_of}/change/",
        "day": f"{page_of}/change/?span=day",
        "stale": f"{console}/scalingpolicy/{worker.pk}/change/",
        "edit": f"{page_of}/edit/",
        "pause": f"{page_of}/pause/",
        "by hand": f"{page_of}/by-hand/",
        "dry run": f"{console}/scalingpolicy/{worker.pk}/dry-run/",
        "add": f"{console}/scalingpolicy/add/",
        "decisions": f"{console}/scalingdecision/?shown=all",
        "decision": f"{console}/scalingdecision/{last.pk}/change/",
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("pages", ["console", "environments", "scaling"])
def test_the_pages_of_the_console_have_none(
    browse: Open, pages: str, scheme: str, request: pytest.FixtureRequest
) -> None:
    addresses: dict[str, str] = request.getfixturevalue(pages)
    user = make_user("operator", staff=True)
    page = browse(user, "/admin/", color_scheme=scheme)
    found = {}
    for name, address in addresses.items():
        visit(page, address)
        page.wait_for_timeout(300)  # The theme shows itself when its script has begun.
        for details in page.locator("details").all():
            details.evaluate("element => { element.open = true }")
        found[name] = violations(page)
    assert {name: faults for name, faults in found.items() if faults} == {}
