"""`manage.py first_user`: creates the first superuser, so that somebody can sign in."""

import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Does nothing once there is a user, so that it can run at every start."""

    help = (
        "Create the user admin with a random password, which is shown once, if there are no users"
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the password, which is stored only as a hash."""
        users = get_user_model().objects
        if users.exists():
            return
        password = secrets.token_urlsafe(12)
        users.create_superuser(username="admin", password=password)
        self.stdout.write(f"First start: sign in as admin with the password {password}")
        self.stdout.write("This password will not be shown again.")
