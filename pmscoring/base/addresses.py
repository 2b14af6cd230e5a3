"""From which address a request comes, as far as our own proxies can be believed."""

from typing import Protocol

from django.conf import settings


class HasMeta(Protocol):
    """A request of Django or of the REST framework."""

    META: dict[str, str]


def address_of(request: HasMeta) -> str:
    """The caller's address; NUM_PROXIES says whose word on it counts.

    With 0 it is the connection's. With n it is the n-th from the right of X-Forwarded-For, which
    the outermost of our n proxies wrote: what stands further left, the client may have made up.
    """
    connected: str = request.META.get("REMOTE_ADDR") or ""
    proxies = int(str(settings.REST_FRAMEWORK["NUM_PROXIES"]))
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR")
    if not proxies or forwarded is None:
        return connected
    addresses = forwarded.split(",")
    return addresses[-min(proxies, len(addresses))].strip()
