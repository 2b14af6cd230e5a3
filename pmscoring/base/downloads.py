"""Responses that send a file while it is still being written."""

from collections.abc import Iterable
from typing import IO

from django.http import FileResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header


def file_response(
    content: Iterable[bytes] | IO[bytes], content_type: str, name: str = ""
) -> HttpResponseBase:
    """A response with the content: pieces, or an open file, which the response closes.

    With a `name`, browsers save it under this name; without, they show it.
    """
    if hasattr(content, "read"):
        return FileResponse(
            content, as_attachment=bool(name), filename=name, content_type=content_type
        )
    disposition = content_disposition_header(True, name) if name else None
    headers = {"Content-Disposition": disposition} if disposition else {}
    return StreamingHttpResponse(content, content_type=content_type, headers=headers)
