"""The addresses that a name has now."""

import socket


def addresses_of(
    host: str, port: int | None, family: socket.AddressFamily = socket.AF_UNSPEC
) -> list[str]:
    """Each once, in order; raises OSError where the name has none."""
    resolved = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
    return sorted({str(address[0]) for *_family, address in resolved})
