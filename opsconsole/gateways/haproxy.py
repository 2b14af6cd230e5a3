"""HAProxy's counters, from the exporter on its port for statistics, which wants no password.

A name may lead to several balancers; each counts for itself, from its own start.
"""

import re
import socket
from enum import StrEnum
from urllib.parse import urlsplit

import httpx
from django.utils.translation import gettext_lazy as _

from opsconsole.gateways.coded import Coded
from pmscoring.base.resolving import addresses_of

SECONDS = 2.0
PORT = 8404
BACKENDS = "web", "unready"
"""Those of docker/haproxy/haproxy.cfg that are counted; requests that found no server too."""
COUNTED = re.compile(
    rf'^haproxy_backend_http_requests_total\{{proxy="(?:{"|".join(BACKENDS)})"\}} ([0-9.e+]+)$',
    re.MULTILINE,
)


class Code(StrEnum):
    """Why there are no counters; rows keep these."""

    NO_NAME = "haproxy_no_name"
    SLOW = "haproxy_slow"
    AWAY = "haproxy_away"
    REFUSES = "haproxy_refuses"
    COUNTS_NONE = "haproxy_counts_none"


class HaproxyError(Coded):
    """There are no counters."""

    TEXTS = {
        Code.NO_NAME: _("there is no HAProxy under the name %s"),
        Code.SLOW: _("HAProxy did not answer within %s s"),
        Code.AWAY: _("HAProxy is away: %s"),
        Code.REFUSES: _("HAProxy answered HTTP %s"),
        Code.COUNTS_NONE: _("HAProxy does not count the requests to %s"),
    }


def requests(url: str) -> dict[str, float]:
    """By the address of each balancer, the requests since its start; raises HaproxyError."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or PORT
    return {address: _requests(address, port) for address in _addresses(host, port)}


def _addresses(host: str, port: int) -> list[str]:
    try:
        return addresses_of(host, port, socket.AF_INET)
    except OSError as error:
        raise HaproxyError(Code.NO_NAME, host) from error


def _requests(address: str, port: int) -> float:
    try:
        response = httpx.get(
            f"http://{address}:{port}/metrics",
            params={"scope": "backend"},
            timeout=SECONDS,
            trust_env=False,  # No proxy stands before an address of our own networks.
        )
    except httpx.TimeoutException as error:
        raise HaproxyError(Code.SLOW, f"{SECONDS:g}") from error
    except httpx.HTTPError as error:
        raise HaproxyError(Code.AWAY, str(error) or type(error).__name__) from error
    if response.status_code != 200:
        raise HaproxyError(Code.REFUSES, response.status_code)
    if counted := COUNTED.findall(response.text):
        return sum(map(float, counted))
    raise HaproxyError(Code.COUNTS_NONE, BACKENDS[0])
