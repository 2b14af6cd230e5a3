"""Files that are sent while they are written."""

from collections.abc import Iterable
from typing import IO

from django.http import FileResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header


def sent(
    content: Iterable[bytes] | IO[bytes], content_type: str, name: str = ""
) -> HttpResponseBase:
    """The pieces, or the open file, which the response closes; with a `name` to be saved under."""
    if hasattr(content, "read"):
        return FileResponse(
            content, as_attachment=bool(name), filename=name, content_type=content_type
        )
    disposition = content_disposition_header(True, name) if name else None
    headers = {"Content-Disposition": disposition} if disposition else {}
    return StreamingHttpResponse(content, content_type=content_type, headers=headers)
