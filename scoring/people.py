"""Accounts that exam managers look after: those of markers, adjudicators and viewers.

A manager gives these roles and no other, and touches nobody who has more: another role, a group of
the site's own, permissions or all rights. Each deed leaves a line in the audit log.
"""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from pmscoring.base.audit import record
from pmscoring.base.faults import Fault, Invalid, fault
from pmscoring.base.passwords import new_password
from pmscoring.base.roles import ADJUDICATOR, MANAGER, MARKER, VIEWER, has_role

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.db.models import QuerySet

GIVEN = (MARKER, ADJUDICATOR, VIEWER)
"""The roles that an exam manager gives and takes."""


def managed(manager: "User") -> "QuerySet[User]":
    """Whose accounts the manager may change: people with these roles and nothing more."""
    users = get_user_model()._default_manager.filter(is_superuser=False, user_permissions=None)
    if not has_role(manager, MANAGER):
        return users.none()
    others = Group.objects.exclude(name__in=GIVEN)
    people = users.filter(groups__name__in=GIVEN).exclude(groups__in=others)
    return people.exclude(pk=manager.pk).distinct().order_by("username")


@transaction.atomic
def create(
    manager: "User", username: str, full_name: str, roles: Collection[str]
) -> tuple["User", str]:
    """A new account and its password, which is shown this once.

    Raises Invalid with the pointers /username, /name and /roles, or PermissionDenied.
    """
    if not has_role(manager, MANAGER):
        raise PermissionDenied
    users = get_user_model()._default_manager
    password = new_password()
    person = get_user_model()(username=username, last_name=full_name, is_staff=True)
    person.set_password(password)
    if faults := [*_faults(person), *_role_faults(roles)]:
        raise Invalid(faults)
    try:
        with transaction.atomic():
            person.save()
    except IntegrityError as error:
        # Two managers at once: the second is refused by the unique constraint.
        raise Invalid([fault("/username", _("this name is taken"))]) from error
    person.groups.set(_groups(roles))
    record("person created", manager, person=person.pk, roles=sorted(roles))
    return users.get(pk=person.pk), password


@transaction.atomic
def change(
    manager: "User", person: "User", full_name: str, roles: Collection[str], is_active: bool
) -> None:
    """Change name, roles and whether the person may sign in; raises Invalid or PermissionDenied."""
    person = lock(manager, person)
    person.last_name, person.first_name, person.is_active = full_name, "", is_active
    if faults := [*_faults(person), *_role_faults(roles)]:
        raise Invalid(faults)
    person.save(update_fields=["last_name", "first_name", "is_active"])
    person.groups.set(_groups(roles))
    roles_and_state = {"roles": sorted(roles), "active": is_active}
    record("person changed", manager, person=person.pk, **roles_and_state)


@transaction.atomic
def renew_password(manager: "User", person: "User") -> str:
    """A new password, shown this once; sessions under the old one end. Raises PermissionDenied."""
    person = lock(manager, person)
    password = new_password()
    person.set_password(password)
    person.save(update_fields=["password"])
    record("password renewed", manager, person=person.pk)
    return password


def lock(manager: "User", person: "User") -> "User":
    """The person as they are now, locked; raises PermissionDenied."""
    # Somebody may give the person another role at this moment. That writes into their groups and
    # not here, so it is read after the lock; a change of roles by this module waits for the lock.
    rows = get_user_model()._default_manager.select_for_update(no_key=True)
    locked = rows.get(pk=person.pk)
    if not managed(manager).filter(pk=person.pk).exists():
        raise PermissionDenied
    return locked


def _faults(person: "User") -> Iterator[Fault]:
    try:
        person.full_clean(exclude=["password"])
    except ValidationError as error:
        for name, messages in error.message_dict.items():
            pointer = "/name" if name in ("last_name", "first_name") else f"/{name}"
            yield from (fault(pointer, message) for message in messages)


def _role_faults(roles: Collection[str]) -> Iterator[Fault]:
    if not roles:
        yield fault("/roles", _("choose at least one role"))
    if not set(roles) <= set(GIVEN):
        yield fault("/roles", _("an exam manager gives other roles than these to nobody"))


def _groups(roles: Collection[str]) -> "list[Group]":
    return [Group.objects.get_or_create(name=role)[0] for role in roles]
