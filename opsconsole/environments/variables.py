"""The variables of this site, and those that an added environment may have of its own.

In containers the operations worker has one variable SITE, with a line `NAME=value` for each
variable of compose/env.example as Compose filled it in. What Compose is run with comes from there,
so that it fills its files in exactly as on the host, and never from text in the database.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from opsconsole.environments import bounds
from pmscoring.base.refusals import Refused

LINE = re.compile(r"#?([A-Z][A-Z0-9_]*)=(.*)")
VALUE = re.compile(r"[A-Za-z0-9 .,:/_*@\[\]+-]{0,200}")
SETTABLE = frozenset(
    {
        "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "COOKIE_SECURE", "LOG_LEVEL", "TIME_ZONE",
        "TLS_HOSTS", "API_REPLICAS", "WORKER_REPLICAS", "INFERENCE_REPLICAS", "WEB_WORKERS",
        "WEB_THREADS", "WEB_TIMEOUT", "WEB_DRAIN_SECONDS", "CELERY_CONCURRENCY", "WORKER_GRACE",
        "WEB_CPUS", "WEB_CPUS_RESERVED", "WEB_MEMORY", "WEB_MEMORY_RESERVED", "WORKER_CPUS",
        "WORKER_MEMORY", "WORKER_MEMORY_RESERVED", "INFERENCE_MEMORY",
        "INFERENCE_MEMORY_RESERVED", "INFERENCE_THREADS", "MODEL_CACHE_SIZE", "POSTGRES_MEMORY",
        "POSTGRES_MEMORY_RESERVED", "POSTGRES_SHM", "BEAT_MEMORY", "OPS_MEMORY", "BROKER_MEMORY",
        "CACHE_MEMORY", "HAPROXY_MEMORY", "NGINX_MEMORY", "BACKUP_JOBS", "SCORING_BATCH",
        "SCORING_STALLED_SECONDS", "DISK_RESERVE_BYTES", "MAX_UPLOAD_BYTES", "THROTTLE_RATE",
        "THROTTLE_RATE_SCORE",
        "THROTTLE_RATE_TOKENS", "THROTTLE_RATE_OPS", "THROTTLE_RATE_REFUSED",
        "THROTTLE_RATE_SIGN_IN", "LOG_MAX_SIZE",
        "LOG_MAX_FILES",
    }
)  # fmt: skip
"""What an added environment may set. None of them names an image, a folder of the host, a server
or an address that is opened: those are the site's, and decide what runs and what it reaches."""
REPLICAS = {"API_REPLICAS": "web", "WORKER_REPLICAS": "worker", "INFERENCE_REPLICAS": "inference"}
"""Numbers of replicas, and the services whose bounds hold for them."""
OF_THE_HOST = frozenset(
    {
        "INSTALL_DIR", "DOCKER_GID", "DOCKER_SOCKET", "DOCKER_ROOT", "HOST_UID", "HOST_GID",
        "REGISTRY_URL", "VERSION", "POSTGRES_IMAGE", "REDIS_IMAGE", "HAPROXY_IMAGE",
        "NGINX_IMAGE", "PROMETHEUS_IMAGE", "GRAFANA_IMAGE", "LOKI_IMAGE", "ALLOY_IMAGE",
        "NODE_EXPORTER_IMAGE", "CADVISOR_IMAGE", "TIME_ZONE", "APPARMOR_PROFILE",
        "HAPROXY_ENDPOINT_MODE", "SECRETS_VERSION", "CONFIG_VERSION",
    }
)  # fmt: skip
"""What every environment on this engine has in common with the running installation."""


def folder() -> Path:
    """Where the Compose files of this version are."""
    return Path(settings.BASE_DIR) / "compose"


@cache
def defaults() -> Mapping[str, str]:
    """Every variable of env.example, with the value that it stands there with."""
    matches = map(LINE.fullmatch, (folder() / "env.example").read_text("utf-8").splitlines())
    return {match[1]: match[2] for match in matches if match}


def of_site() -> dict[str, str]:
    """The variables of this site that have a value; what env.example does not name is left out."""
    lines = (line.partition("=") for line in settings.SITE.splitlines())
    named = {name.strip(): value for name, _sep, value in lines if value}
    return {name: value for name, value in named.items() if name in {*defaults(), *OF_THE_HOST}}


def effective(name: str) -> str:
    """The variable's value on this site, set or by default."""
    return of_site().get(name) or defaults().get(name, "")


def may_be(name: str, value: object) -> bool:
    """Whether an environment may set the variable to this value."""
    if name not in SETTABLE or not isinstance(value, str) or not VALUE.fullmatch(value):
        return False
    if service := REPLICAS.get(name):
        return value == "" or (value.isdecimal() and 1 <= int(value) <= bounds.most(service))
    return True


def checked(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables of an added environment; raises Refused for a name or a value that is none."""
    if unknown := sorted(set(variables) - SETTABLE):
        raise Refused(_("these variables cannot be set: %s") % ", ".join(unknown))
    for name, value in variables.items():
        if not may_be(name, value):
            raise Refused(_("%s has characters that no variable has, or is out of bounds") % name)
    return dict(variables)
