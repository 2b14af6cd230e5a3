"""What the admin's theme needs stays in the admin, and the theme behind one module."""

import re

import pytest
from django.test import Client

from tests.clients import signed_in
from tests.paths import ROOT

pytestmark = pytest.mark.django_db


def policy(address: str) -> str:
    return Client().get(address, follow=False)["Content-Security-Policy"]


def test_only_the_admin_evaluates_and_nothing_runs_inline() -> None:
    assert "'unsafe-eval'" in policy("/admin/login/")
    for address in ("/admin/login/", "/api/docs/", "/api/v1/exams", "/health", "/nowhere"):
        scripts = re.findall(r"script-src [^;]*", policy(address))
        assert "unsafe-inline" not in "".join(scripts)
        if not address.startswith("/admin/"):
            assert "unsafe-eval" not in policy(address)


def test_what_is_no_page_may_load_nothing() -> None:
    assert "default-src 'none'" in policy("/api/v1/exams")
    assert "script-src" not in policy("/api/v1/exams")


@pytest.mark.parametrize("address", ["/admin/", "/admin/scoring/exam/load/", "/api/docs/"])
def test_the_pages_carry_no_inline_script(address: str) -> None:
    page = signed_in("superuser").get(address).content.decode()
    assert [tag for tag in re.findall(r"<script[^>]*>", page) if "src=" not in tag] == []
    assert not re.search(r"\son(click|change|submit|load)=", page)


def test_one_module_alone_imports_the_theme() -> None:
    places = ("pmscoring", "scoring", "opsconsole")
    modules = [path for place in places for path in (ROOT / place).rglob("*.py")]
    imports = re.compile(r"(from|import) unfold")
    found = [path.name for path in modules if imports.search(path.read_text("utf-8"))]
    assert found == ["theme.py"]
