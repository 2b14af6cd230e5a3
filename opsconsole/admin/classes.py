"""The base of the console's admin classes: operators act, viewers see."""

from pmscoring.base.admin import classes
from pmscoring.base.roles import OPERATOR, VIEWER


class Admin(classes.Admin):
    """For rows that operators change."""

    readers = (OPERATOR, VIEWER)
    writers = (OPERATOR,)


class ReadOnly(classes.ReadOnly):
    """For rows that are never added or changed in the admin."""

    readers = (OPERATOR, VIEWER)
    writers = (OPERATOR,)


class TabularInline(classes.TabularInline):
    """Rows of a parent, as a table."""

    readers = (OPERATOR, VIEWER)
    writers = (OPERATOR,)
