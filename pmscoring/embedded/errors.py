"""What may go wrong with the embedded parts."""


class CannotStart(RuntimeError):
    """A part cannot be started or did not answer; the message names it and its log."""
