"""Managers make markers and assign them, and raise nobody above what a manager may give."""

import re
from html import unescape

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import PermissionDenied
from django.test import Client

from pmscoring.base.faults import Invalid
from pmscoring.base.roles import ROLES
from scoring import people
from scoring.review import assignments
from tests.clients import browser_of, form_data, signed_in
from tests.factories import exam_in, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]
PEOPLE = "/admin/people/"


@pytest.fixture
def manager() -> User:
    return make_user("boss", "exam manager")


def pointers(refused: pytest.ExceptionInfo[Invalid]) -> set[str]:
    return {fault["pointer"] for fault in refused.value.faults}


def test_a_new_marker_signs_in_with_the_password_that_is_shown(manager: User) -> None:
    person, password = people.create(manager, "sato", "佐藤 花子", ["marker"])
    browser = Client()
    assert browser.login(username="sato", password=password)
    assert browser.get("/admin/marking/").status_code == 200
    assert (person.get_full_name(), person.is_superuser) == ("佐藤 花子", False)


@pytest.mark.parametrize("role", sorted({*ROLES, "a group of ours"} - {*people.GIVEN}))
def test_a_manager_gives_no_other_role(manager: User, role: str) -> None:
    with pytest.raises(Invalid) as refused:
        people.create(manager, "sato", "", ["marker", role])
    assert pointers(refused) == {"/roles"}
    person, _password = people.create(manager, "tanaka", "", ["marker"])
    with pytest.raises(Invalid):
        people.change(manager, person, "", [role], is_active=True)
    assert {group.name for group in person.groups.all()} == {"marker"}


def test_a_name_that_is_taken_or_is_none_is_refused(manager: User) -> None:
    for name in ("boss", "", "a b", "x" * 151):
        with pytest.raises(Invalid) as refused:
            people.create(manager, name, "", ["marker"])
        assert pointers(refused) == {"/username"}
    with pytest.raises(Invalid) as refused:
        people.create(manager, "sato", "", [])
    assert pointers(refused) == {"/roles"}


def above_a_marker() -> list[User]:
    """People with a role of a marker, and something more."""
    group = Group.objects.create(name="a group of ours")
    in_group, permitted = make_user("one", "marker"), make_user("two", "marker")
    in_group.groups.add(group)
    permitted.user_permissions.add(Permission.objects.earliest("pk"))
    root = User.objects.create_superuser("root")
    root.groups.add(Group.objects.get(name="marker"))
    return [in_group, permitted, root, make_user("three", "marker", "operator")]


def test_a_manager_changes_nobody_who_has_more(manager: User) -> None:
    for person in [*above_a_marker(), manager, make_user("other", "exam manager")]:
        password = person.password
        with pytest.raises(PermissionDenied):
            people.change(manager, person, "", ["marker"], is_active=False)
        with pytest.raises(PermissionDenied):
            people.renew_password(manager, person)
        person.refresh_from_db()
        assert (person.is_active, person.password) == (True, password)
        browser = browser_of(manager)
        assert browser.get(f"{PEOPLE}{person.pk}/").status_code == 404


@pytest.mark.parametrize("role", sorted({*ROLES} - {"exam manager"}))
def test_nobody_else_makes_or_changes_people(manager: User, role: str) -> None:
    user, sato = make_user(role), make_user("sato")
    with pytest.raises(PermissionDenied):
        people.create(user, "tanaka", "", ["marker"])
    with pytest.raises(PermissionDenied):
        people.renew_password(user, sato)
    browser = browser_of(user)
    for place in ("", "new/", f"{sato.pk}/", "exams/ROOM/"):
        assert browser.get(PEOPLE + place).status_code == 403


def test_a_new_password_ends_the_session_under_the_old_one(manager: User) -> None:
    sato = make_user("sato")
    browser = browser_of(sato)
    password = people.renew_password(manager, sato)
    assert browser.get("/admin/marking/").status_code == 302
    assert Client().login(username="sato", password=password)


def test_the_pages_make_a_marker_and_assign_them(manager: User) -> None:
    exam, browser = exam_in(), browser_of(manager)
    made = browser.post(
        f"{PEOPLE}new/", {"username": "sato", "name": "佐藤", "roles": ["marker"]}, follow=True
    )
    page = unescape(made.content.decode())
    assert re.search(r"password of sato.*<code>\w{16}</code>", page)
    sato = User.objects.get(username="sato")
    ticked = {f"marker-{sato.pk}": ["Q2"]}
    assert browser.post(f"{PEOPLE}exams/ROOM/", ticked).status_code == 302
    assert assignments.describe(exam) == {"sato": ["Q2"]}
    page = browser.get(f"{PEOPLE}exams/ROOM/").content.decode()
    assert re.search(rf'name="marker-{sato.pk}" value="Q2" checked', page)
    assert not re.search(rf'name="marker-{sato.pk}" value="all" checked', page)
    assert "ROOM" in browser.get(PEOPLE).content.decode()
    browser.post(f"{PEOPLE}exams/ROOM/", {f"marker-{sato.pk}": ["all", "Q2"]})
    assert assignments.describe(exam) == {"sato": None}


def test_the_page_of_a_person_shows_faults_and_keeps_what_was_typed(manager: User) -> None:
    browser = browser_of(manager)
    page = browser.post(f"{PEOPLE}new/", {"username": "a b", "name": "佐藤", "roles": []})
    text = page.content.decode()
    assert page.status_code == 200
    assert 'value="佐藤"' in text
    assert "errorlist" in text or "text-red" in text
    browser.post(f"{PEOPLE}new/", {"username": "sato", "name": "", "roles": ["viewer"]})
    sato = User.objects.get(username="sato")
    changed = {"name": "佐藤", "roles": ["marker", "adjudicator"]}
    browser.post(f"{PEOPLE}{sato.pk}/", changed)
    sato.refresh_from_db()
    assert (sato.is_active, sato.last_name) == (False, "佐藤")
    assert {group.name for group in sato.groups.all()} == {"marker", "adjudicator"}


def test_the_page_of_users_has_roles_in_words_and_no_permissions() -> None:
    root, sato = signed_in("superuser", "ja"), make_user("sato")
    sato.groups.add(Group.objects.create(name="a group of ours"))
    address = f"/admin/auth/user/{sato.pk}/change/"
    page = root.get(address).content.decode()
    assert "割り当てられた解答を採点します" in page
    assert "user_permissions" not in page
    data = {**form_data(root, address), "roles": ["exam manager"]}
    assert root.post(address, data).status_code == 302
    assert {group.name for group in sato.groups.all()} == {"exam manager", "a group of ours"}
    listed = root.get("/admin/auth/user/?role=exam+manager").content.decode()
    assert "試験管理者" in listed
    assert root.get("/admin/auth/group/").status_code == 404
