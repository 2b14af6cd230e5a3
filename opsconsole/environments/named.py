"""The environment that a person names."""

from django.utils.translation import gettext as _

from opsconsole.models import Environment
from pmscoring.base.refusals import Refused


def environment_named(code: str) -> Environment:
    """The environment of that code, unless it was removed; raises Refused."""
    environments = Environment.objects.kept()
    if environment := environments.filter(code=code).first():
        return environment
    codes = ", ".join(environments.values_list("code", flat=True)) or _("none")
    words = {"code": code[:30], "codes": codes}
    raise Refused(_("there is no environment %(code)s; there are: %(codes)s") % words)
