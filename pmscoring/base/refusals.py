"""Why a deed is not done now, though nothing is broken."""


class Refused(Exception):
    """A guard refuses; the message says which one, and what overrides it."""


class Busy(Exception):
    """The same work, or work that excludes it, is under way; the message names it."""
