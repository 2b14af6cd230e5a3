"""How large the body of a request may be: by who sends it, and to which page.

The views of the API say it themselves (`View.max_body`), once they know the caller.
"""

from collections.abc import Callable
from typing import Any, TypeVar

STRANGERS_BYTES = 64 * 1024
"""Of a caller who is not signed in."""
FORM_BYTES = 4 * 1024 * 1024
"""Of a form without files; Django keeps all of it in memory."""
DOCUMENT_BYTES = 32 * 1024 * 1024
"""Of a JSON or YAML document, in a body or in a file."""
AROUND_FILE_BYTES = 64 * 1024
"""The other fields of a form with a file, and what multipart adds."""
Handler = TypeVar("Handler", bound=Callable[..., Any])


def takes_file(most: Callable[[], int] | None) -> Callable[[Handler], Handler]:
    """Marks a view whose form has a file of at most so many bytes; None: it bounds it itself."""

    def mark(view: Handler) -> Handler:
        setattr(view, "most_file_bytes", most)  # noqa: B010 - not an attribute of functions
        return view

    return mark


def most_bytes(view: Callable[..., Any], *, is_stranger: bool) -> int | None:
    """How large a body the view is given; None: any."""
    if is_stranger:
        return STRANGERS_BYTES
    if not hasattr(view, "most_file_bytes"):
        return FORM_BYTES
    most = view.most_file_bytes
    return most() + AROUND_FILE_BYTES if most else None
