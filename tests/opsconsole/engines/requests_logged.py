"""Lines as HAProxy logs them, by the log-format of our own configuration."""

import re
from datetime import datetime
from functools import cache

from tests.paths import ROOT

CONFIGURATION = ROOT / "docker" / "haproxy" / "haproxy.cfg"
FIELD = re.compile(r"%(?:\[[^\]]*\]|[A-Za-z]+)")


@cache
def log_format() -> str:
    """The log-format of docker/haproxy/haproxy.cfg."""
    found = re.search(r'^ *log-format "(.*)"$', CONFIGURATION.read_text(), re.MULTILINE)
    assert found
    return found[1]


def line(
    at: datetime, address: str, status: int, milliseconds: int, path: str = "/api/v1/exams"
) -> str:
    """A request that the server at `address` answered; `-` where there was none to ask."""
    fields = {
        "%tr": f"{at:%d/%b/%Y:%H:%M:%S}.{at.microsecond // 1000:03}",
        "%ci": "10.0.0.9",
        "%cp": "41000",
        "%ft": "plain",
        "%b": "web",
        "%s": "web1" if address != "-" else "<NOSRV>",
        "%si": address,
        "%sp": "8000",
        "%Ta": str(milliseconds),
        "%Tr": str(milliseconds),
        "%ST": str(status),
        "%B": "512",
        "%tsc": "----",
        "%HM": "GET",
        "%HPO": path,
        "%HV": "HTTP/1.1",
    }
    return FIELD.sub(lambda match: fields.get(match[0], "0"), log_format())
