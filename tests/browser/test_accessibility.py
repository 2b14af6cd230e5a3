"""No violation of WCAG 2.2, levels A and AA, on whole pages, in light and dark, by axe."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils.timezone import now
from pytest_django import Settings

from opsconsole.models import Restore
from scoring.marks import giving
from scoring.models import Answer, Exam
from tests.browser.conftest import Open
from tests.factories import make_user
from tests.opsconsole.backups_made import made, plan, verification, with_files
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_of_the_console_have_none(
    browse: Open, console: dict[str, str], scheme: str
) -> None:
    user = make_user("operator", staff=True)
    page = browse(user, "/admin/", color_scheme=scheme)
    found = {}
    for name, address in console.items():
        page.goto(address)
        page.wait_for_timeout(300)  # The theme shows itself when its script has begun.
        for details in page.locator("details").all():
            details.evaluate("element => { element.open = true }")
        found[name] = violations(page)
    assert {name: faults for name, faults in found.items() if faults} == {}
