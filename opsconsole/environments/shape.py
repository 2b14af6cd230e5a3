"""What an environment may be: overlays among those shipped, a project, a subnet and ports.

Checked where one is added and again each time that an engine is asked about it: the row may have
been written by a process that was taken over.
"""

import ipaddress
import re
from collections.abc import Mapping, Sequence

from django.utils.translation import gettext as _

from opsconsole.environments import variables
from opsconsole.models import Environment
from opsconsole.models.environments import CODE
from pmscoring.base.refusals import Refused

TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
"""Of images; a version of ours is one."""
PROJECT = re.compile(r"[a-z][a-z0-9-]{0,59}")
SUBNET = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}")
OF_KIND = {"development": (), "staging": ("staging",), "production": ("production",)}
"""The overlay of each kind; compose.yaml alone makes a development installation."""
OPTIONAL = ("security", "scale", "monitoring", "egress", "gpu", "nfs")
"""Overlays that may be chosen beside it."""
PORTS = ("HAPROXY_PORT", "HTTP_PORT", "HTTPS_PORT")
OF_OVERLAYS = {"scale": ("HAPROXY_STATS_PORT",), "monitoring": ("PROMETHEUS_PORT", "GRAFANA_PORT")}
"""What is published beside HAProxy and nginx; nginx runs where it has both of its ports."""


def refuse_nonsense(environment: Environment) -> None:
    """Raise Refused where an added environment is not one of those that are shipped."""
    if not re.fullmatch(CODE.regex, environment.code):
        raise Refused(_("the code must be small letters, digits and hyphens"))
    if not PROJECT.fullmatch(environment.project):
        raise Refused(_("%s is no name of a project") % environment.project[:60])
    refuse_foreign_overlays(environment.kind, environment.overlays)
    refuse_foreign_subnet(environment.subnet_prefix)
    refuse_foreign_ports(environment.ports, environment.overlays)
    variables.checked(environment.variables)


def refuse_foreign_overlays(kind: str, overlays: Sequence[str]) -> None:
    """Raise Refused for an overlay that is not shipped, or that is another kind's."""
    if kind not in OF_KIND:
        raise Refused(_("%s is no kind of environment") % kind)
    chosen = tuple(name for name in overlays if name not in OPTIONAL)
    if chosen != OF_KIND[kind] or len(set(overlays)) != len(overlays):
        words = {"kind": kind, "names": " ".join(map(str, overlays))[:100]}
        raise Refused(_("these are no overlays of the kind %(kind)s: %(names)s") % words)


def refuse_foreign_subnet(prefix: str) -> None:
    """Raise Refused unless these are the first two numbers of a private network."""
    try:
        network = ipaddress.ip_network(f"{prefix}.0.0/16") if SUBNET.fullmatch(prefix) else None
    except ValueError:
        network = None
    if network is None or not network.is_private or network.is_loopback or network.is_link_local:
        raise Refused(_("%s: give the first two numbers of a private network, as 172.30") % prefix)


def refuse_foreign_ports(ports: Mapping[str, int], overlays: Sequence[str]) -> None:
    """Raise Refused unless each published port, and no other, has a number of its own."""
    wanted = {"HAPROXY_PORT"} | {name for overlay in overlays for name in of_overlay(overlay)}
    if {"HTTP_PORT", "HTTPS_PORT"} & set(ports):
        wanted |= {"HTTP_PORT", "HTTPS_PORT"}
    if different := sorted(wanted ^ set(ports)):
        raise Refused(_("these ports are missing, or are none: %s") % ", ".join(different))
    numbers = list(ports.values())
    if not all(type(number) is int and 0 < number < 65536 for number in numbers):
        raise Refused(_("a port is a number from 1 to 65535"))
    if len(set(numbers)) != len(numbers):
        raise Refused(_("two of the ports are the same"))


def of_overlay(overlay: str) -> tuple[str, ...]:
    """The ports that an overlay publishes."""
    return OF_OVERLAYS.get(overlay, ())
