"""What a person names on the command line."""

from django.core.management.base import CommandError

from opsconsole.management.ops_command import USAGE
from opsconsole.models import Environment


def environment_named(code: str | None) -> Environment:
    """The environment of that code; without one that of this installation."""
    if not code:
        return _here()
    environment = Environment.objects.kept().filter(code=code).first()
    if environment is None:
        codes = ", ".join(Environment.objects.kept().values_list("code", flat=True))
        raise CommandError(
            f"there is no environment {code}; there are: {codes or 'none'}", returncode=USAGE
        )
    return environment


def _here() -> Environment:
    try:
        return Environment.objects.here()
    except Environment.DoesNotExist as error:
        raise CommandError(
            "this installation has not entered itself yet", returncode=USAGE
        ) from error
