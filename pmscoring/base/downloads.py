"""Responses that send a file while it is still being written, or from any byte on."""

import re
from collections.abc import Iterable, Iterator
from typing import IO, Protocol

from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
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


RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class Readable(Protocol):
    """Content of a known size that can be read from any byte on, and is the same each time."""

    @property
    def size(self) -> int:
        """In bytes."""

    @property
    def etag(self) -> str:
        """Changes with the content; without quotes."""

    def read(self, first: int, last: int) -> Iterator[bytes]:
        """The bytes from `first` to `last`, both included."""


def ranged_response(
    request: HttpRequest, content: Readable, content_type: str, name: str
) -> HttpResponseBase:
    """A download that goes on where it broke off: 206 for one range, 416 for one beyond the end.

    Several ranges at once, or a range of other content (If-Range), get the whole content, as
    RFC 9110 has it.
    """
    first, last = wanted_range(request, content)
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": f'"{content.etag}"',
        "Content-Disposition": content_disposition_header(True, name) or "attachment",
    }
    if first > last:
        headers["Content-Range"] = f"bytes */{content.size}"
        return HttpResponse(status=416, headers=headers)
    headers["Content-Length"] = str(last - first + 1)
    whole = last - first + 1 == content.size
    if not whole:
        headers["Content-Range"] = f"bytes {first}-{last}/{content.size}"
    return StreamingHttpResponse(
        content.read(first, last) if request.method == "GET" else (),
        status=200 if whole else 206,
        content_type=content_type,
        headers=headers,
    )


def wanted_range(request: HttpRequest, content: Readable) -> tuple[int, int]:
    """The first and the last byte that the request asks for; (1, 0) where there is none such."""
    whole = 0, content.size - 1
    match = RANGE.fullmatch(request.headers.get("Range", ""))
    if match is None or request.headers.get("If-Range", f'"{content.etag}"') != f'"{content.etag}"':
        return whole
    first, last = match.groups()
    if not first:
        if not last:
            return whole
        return (max(content.size - int(last), 0), whole[1]) if int(last) else (1, 0)
    end = min(int(last), whole[1]) if last else whole[1]
    if last and int(last) < int(first):
        return whole
    return (int(first), end) if int(first) <= end else (1, 0)
