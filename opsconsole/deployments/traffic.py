"""What HAProxy's log lines say of the servers behind it: requests, faults and times, by address.

The log-format is that of docker/haproxy/haproxy.cfg; a line that has another shape is no request.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

FORM = re.compile(
    r"\S+ \[[^\]]*\] \S+ \S+/\S+ "  # client, time, frontend, backend and server
    r"-?\d+/-?\d+/-?\d+/(?P<response>-?\d+)/\+?(?P<total>-?\d+) "
    r"(?P<status>-?\d+) \S+ (?P<ended>\S{4}) .* (?P<server>\S+)$"
)
"""%Tr is the time until the server's answer, %Ta that of the whole; -1 where it did not come."""
BY_CLIENT = "C"
"""The first letter of %tsc where the client broke off."""


@dataclass(frozen=True)
class Request:
    """A request. `server` is its address, `-` where none could be asked; times in milliseconds."""

    server: str
    status: int
    milliseconds: int
    by_client: bool = False

    @property
    def failed(self) -> bool:
        """Whether the caller got no answer, or that of a fault, and did not break off itself."""
        return not self.by_client and (self.status >= 500 or self.status < 100)


def requests(lines: Iterable[str]) -> Iterator[Request]:
    """The requests among the lines."""
    for line in lines:
        if match := FORM.search(line.rstrip()):
            response, total = int(match["response"]), int(match["total"])
            yield Request(
                match["server"],
                int(match["status"]),
                response if response >= 0 else total,
                match["ended"].startswith(BY_CLIENT),
            )
