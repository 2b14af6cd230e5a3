"""How much of a body is read: of whom, and by which page."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import resolve

from pmscoring.base.body_limits import FORM_BYTES, STRANGERS_BYTES
from tests import sample_exam as sample
from tests.clients import browser_of
from tests.pmscoring.test_hostile import pages

HUGE = str(600 * 1024 * 1024)
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=edge"
COOKIE = "csrftoken=" + "a" * 32


class Unread:
    """A body that must not be read; how often it was."""

    def __init__(self) -> None:
        self.reads = 0

    def read(self, size: int = -1) -> bytes:
        self.reads += 1
        return b""

    def readline(self, size: int = -1) -> bytes:
        return self.read(size)


class TooSlow(Unread):
    """A body that the server gives up."""

    def read(self, size: int = -1) -> bytes:
        raise ConnectionResetError


def send(client: Client, path: str, length: str, **headers: str) -> tuple[int, int]:
    """The status of a form that announces its length, and how often its body was read."""
    body = Unread()
    return _send(client, path, length, body, **headers).status_code, body.reads


def _send(client: Client, path: str, length: str, body: Unread, **headers: str) -> Any:
    extra: dict[str, Any] = {"wsgi.input": body, "CONTENT_LENGTH": length, **headers}
    extra["HTTP_COOKIE"] = f"{client.cookies.output(header='', sep=';')};{COOKIE}"
    extra["CONTENT_TYPE"] = MULTIPART if "load/" in path else FORM
    return client.generic("POST", path, **extra)


def test_no_page_reads_the_large_body_of_a_stranger(db: None) -> None:
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    outcomes = {page: send(client, page, HUGE) for page in pages()}
    assert {page for page, (_status, reads) in outcomes.items() if reads} == set()
    assert outcomes["/admin/login/"] == (413, 0)


def test_no_page_reads_a_stranger_s_body_in_chunks(db: None) -> None:
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked"}
    outcomes = {page: send(client, page, "", **chunked) for page in pages()}
    assert {page for page, (_status, reads) in outcomes.items() if reads} == set()
    assert outcomes["/admin/login/"] == (411, 0)


@pytest.fixture
def browser(db: None) -> Client:
    """A superuser's."""
    root = browser_of(User.objects.create_superuser("root"))
    root.raise_request_exception = False
    return root


def test_only_pages_for_files_read_more_than_a_form_of_one_who_is_signed_in(
    browser: Client, settings: Any
) -> None:
    settings.MAX_UPLOAD_BYTES = 8 * 1024 * 1024
    upload = f"/admin/scoring/exam/{sample.load('Q1').pk}/upload/"
    assert send(browser, "/admin/scoring/exam/add/", str(FORM_BYTES + 1)) == (413, 0)
    assert send(browser, upload, str(9 * 1024 * 1024)) == (413, 0)
    assert send(browser, upload, str(FORM_BYTES + 1))[1] > 0
    assert send(browser, "/admin/scoring/exam/load/", str(FORM_BYTES + 1))[1] > 0
    assert send(browser, "/admin/scoring/exam/load/", str(33 * 1024 * 1024)) == (413, 0)


@pytest.mark.parametrize("page", ["/admin/scoring/exam/add/", "/admin/scoring/exam/load/"])
def test_a_form_that_is_too_slow_is_not_called_forged(browser: Client, page: str) -> None:
    response = _send(browser, page, "70000", TooSlow())
    assert response.status_code == 408
    assert "nothing was saved" in response.content.decode()
    assert "フォームが届きませんでした" in response.content.decode()


def test_an_upload_of_a_backup_that_breaks_off_is_not_called_forged(
    browser: Client, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    response = _send(browser, "/admin/opsconsole/backup/upload/", "70000", TooSlow())
    assert response.status_code == 200
    assert "nothing of it was kept" in response.content.decode()
    assert list(tmp_path.glob("**/*.partial")) == []


def test_an_upload_of_a_backup_is_bounded_by_the_disk_alone(browser: Client) -> None:
    view: Any = resolve("/admin/opsconsole/backup/upload/").func
    assert view.most_file_bytes is None


def test_a_small_form_asks_nobody_who_sends_it(db: None) -> None:
    client = Client(enforce_csrf_checks=True)
    assert send(client, "/admin/login/", str(STRANGERS_BYTES))[1] > 0


def test_the_page_of_a_refusal_is_ours(db: None) -> None:
    response = Client().post("/admin/login/", {"next": "x" * (STRANGERS_BYTES + 1)})
    assert response.status_code == 413
    assert 'lang="ja"' in response.content.decode()


def test_every_large_form_of_django_is_bounded(settings: Any) -> None:
    assert settings.DATA_UPLOAD_MAX_MEMORY_SIZE == FORM_BYTES
