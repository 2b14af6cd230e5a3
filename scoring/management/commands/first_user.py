"""`manage.py first_user`: someone must be able to sign in."""

import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Does nothing where any user exists, so that it may run at every start."""

    help = "Make the user admin with a random password, shown this once, where there is no user"

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the password; it is kept nowhere."""
        users = get_user_model().objects
        if users.exists():
            return
        password = secrets.token_urlsafe(12)
        users.create_superuser(username="admin", password=password)
        self.stdout.write(f"First start: sign in as admin with the password {password}")
        self.stdout.write("It is shown only now.")
