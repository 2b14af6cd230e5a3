"""Clients of the REST API, browsers of the admin, and what they send."""

import io
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.contrib.auth.models import User
from django.forms import BaseForm
from django.test import Client

from scoring.models import ApiToken
from tests.factories import make_user

JSON = "application/json"
NDJSON = "application/x-ndjson"
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


def client_of(user: User) -> Client:
    """A client with a token of the user."""
    _, secret = ApiToken.issue(user)
    return Client(headers={"Authorization": f"Bearer {secret}"})


def client_for(*roles: str) -> Client:
    """A client with the token of a user who has these roles and is named for the first."""
    return client_of(make_user(roles[0], *roles))


def browser_of(user: User, language: str = "en", headers: Mapping[str, str] = NO_HEADERS) -> Client:
    """A browser in which the user is signed in, and may enter the admin from now on."""
    User.objects.filter(pk=user.pk).update(is_staff=True)
    browser = Client(headers={"Accept-Language": language, **headers})
    browser.force_login(user)
    return browser


def signed_in(role: str, language: str = "en") -> Client:
    """A browser in which a user of the role is signed in."""
    return browser_of(make_user(role, staff=True), language)


def form_data(browser: Client, address: str) -> dict[str, Any]:
    """What a browser sends for an unchanged change form: every field as shown, with CR LF."""
    context: Any = browser.get(address).context
    sets = [inline.formset for inline in context["inline_admin_formsets"]]
    forms: list[BaseForm] = [context["adminform"].form]
    forms += [form for formset in sets for form in (formset.management_form, *formset.forms)]
    return {
        bound.html_name: _sent(bound.value())
        for form in forms
        for bound in form
        if bound.value() is not None and bound.value() is not False
    }


def _sent(value: Any) -> Any:
    """The value of a field as a browser sends it; of boxes to tick those that are ticked."""
    if isinstance(value, list):
        return [str(choice) for choice in value]
    return str(value).replace("\n", "\r\n")


def ndjson(*records: Any) -> str:
    """Records, one a line."""
    return "\n".join(json.dumps(record, ensure_ascii=False) for record in records)


def named_file(name: str, data: bytes) -> io.BytesIO:
    """A file of this name to upload."""
    file = io.BytesIO(data)
    file.name = name
    return file
