"""`manage.py first_user`: creates the first superuser, so that somebody can sign in."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand

from pmscoring.base.passwords import new_password

SHOWN = """\
First start: sign in as admin with the password below, which is shown only now.
    password: {password}
If it is lost: manage.py changepassword admin
"""


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
        password = new_password()
        users.create_superuser(username="admin", password=password)
        self.stdout.write(SHOWN.format(password=password))
