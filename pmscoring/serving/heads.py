"""What the head of a request says of its body. gunicorn's own parser is the one that judges it."""

from dataclasses import dataclass

END = b"\r\n\r\n"
MOST_HEAD_BYTES = 64 * 1024
MOST_BUFFERED_BYTES = 64 * 1024
"""The largest body that is received before the application hears of it."""


@dataclass(frozen=True)
class Head:
    """`size` counts the bytes of head and body together."""

    size: int
    is_large: bool
    expects: bool
    """The caller waits for "100 Continue" before it sends the body."""


def read_head(received: bytes | bytearray) -> Head | None:
    """The head, or None where its end has not come."""
    end = received.find(END)
    if end < 0:
        return None
    first, *lines = bytes(received[:end]).lower().lstrip(b"\r\n").split(b"\r\n")
    fields = [line.partition(b":") for line in lines]
    values = {name.strip(): value.strip() for name, _colon, value in fields}
    length = values.get(b"content-length", b"0")
    # The parser refuses what is no number and reads no body for it, but it takes leading zeros. The
    # first 19 digits of a longer number are enough to see that it is large.
    body = int(length.lstrip(b"0")[:19] or b"0") if length.isdigit() else 0
    is_large = body > MOST_BUFFERED_BYTES or b"transfer-encoding" in values
    expects = b"100-continue" in values.get(b"expect", b"") and not first.endswith(b"http/1.0")
    return Head(end + len(END) + body, is_large, expects)
