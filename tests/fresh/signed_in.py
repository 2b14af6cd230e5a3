"""A person in front of the admin, as far as HTTP knows: cookies, forms with their CSRF tokens."""

from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import httpx


class Forms(HTMLParser):
    """The forms of a page: where each goes, and the values that a browser would send of it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, list[str]]]] = []
        self.area = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append((given.get("action", ""), {}))
        elif self.found and tag == "input" and given.get("name"):
            is_choice = given.get("type") in {"checkbox", "radio"}
            if not is_choice or "checked" in given:
                self._add(given["name"], given.get("value", "on" if is_choice else ""))
        elif self.found and tag == "textarea":
            self.area = given.get("name", "")
            self._add(self.area, "")

    def _add(self, name: str, value: str) -> None:
        self.found[-1][1].setdefault(name, []).append(value)

    def with_field(self, name: str) -> tuple[str, dict[str, list[str]]]:
        """The form that has this field."""
        return next(form for form in self.found if name in form[1])


class Person:
    """Somebody with a browser of their own."""

    def __init__(self, address: str) -> None:
        self.http = httpx.Client(
            base_url=address, follow_redirects=True, timeout=60, trust_env=False
        )

    def fill(self, path: str, field: str, **values: Any) -> httpx.Response:
        """Send the form of the page that has this field, changed in these values."""
        page = self.http.get(path)
        assert page.is_success, page
        action, fields = Forms(page.text).with_field(field)
        address = urljoin(str(page.url), action)
        return self.http.post(address, data=fields | values, headers={"Referer": str(page.url)})

    def sign_in(self, password: str) -> None:
        """As admin."""
        page = self.fill("/admin/login/", "password", username="admin", password=password)
        assert page.url.path == "/admin/", page.url
