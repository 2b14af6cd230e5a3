"""Secrets taken out of texts that are kept or shown: reasons, details, what other programs say.

It errs on the side of taking too much: a text that only looks like a secret goes too.
"""

import re
from urllib.parse import quote, urlsplit

from django.conf import settings

from pmscoring.base import rotating

GONE = "***"
SHORTEST = 6
"""Known secrets with fewer characters would tear words apart, and are no secrets."""
KEPT_PATHS = frozenset({"s3", "gs", "az", "file"})
KEPT_HOSTS = KEPT_PATHS | {"http", "https", "postgres", "postgresql", "redis", "rediss"}
ADDRESS = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]*)://([^\s\"'<>]+)")
NAMED = re.compile(
    r"([\w-]*(?:passw|secret|token|credential|api[_-]?key|access[_-]?key)[\w-]*)"
    r"([\"']?\s*[=:]\s*[\"']?)[^\s\"',;&}]+",
    re.IGNORECASE,
)
SHAPED = re.compile(
    r"AGE-(?:SECRET-KEY|PLUGIN)-[A-Z0-9-]+"  # an identity of age
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\bpms_[A-Za-z0-9_-]{16,}"  # a token of our API
    r"|(?<=\bBearer )\S+|(?<=\bBasic )\S+"
    r"|(?<= with the password )\S+",  # of the first user, in the log of a first start
    re.DOTALL,
)


def redacted(text: str, *secrets: str) -> str:
    """The text without `secrets`, those of the settings, and whatever has the shape of one.

    Of an address without a known scheme everything goes: there are services whose addresses hold a
    token in the place of the host. What PostgreSQL refuses to keep is replaced: U+0000 and lone
    surrogates.
    """
    text = text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
    for secret in sorted({*secrets, *_of_settings()}, key=len, reverse=True):
        if len(secret) >= SHORTEST:
            text = text.replace(secret, GONE).replace(quote(secret, safe=""), GONE)
    text = ADDRESS.sub(_address, text)
    text = SHAPED.sub(GONE, text)
    return NAMED.sub(rf"\1\2{GONE}", text)


def _address(match: re.Match[str]) -> str:
    scheme, rest = match[1].lower(), match[2]
    if scheme not in KEPT_HOSTS:
        return f"{match[1]}://{GONE}"
    # A password may hold a slash or an at sign: what stands before the last at sign is no host.
    place = re.split(r"[?#]", rest.rpartition("@")[2])[0]
    if scheme not in KEPT_PATHS:
        place = place.partition("/")[0]
    return f"{match[1]}://{place}" if place == rest else f"{match[1]}://{place}/{GONE}"


def _of_settings() -> set[str]:
    """Every secret that this process was started with, and those in files as they now are."""
    urls = (settings.BROKER_URL, settings.CACHE_URL, settings.REDIS_URL, settings.DATABASE_URL)
    secrets: list[object] = [urlsplit(url).password for url in urls]
    secrets += [settings.DATABASES["default"].get("PASSWORD"), settings.SECRET_KEY]
    rotated = [line for name in rotating.ROTATED for line in rotating.lines(name)]
    return {str(secret) for secret in (*secrets, *rotated, settings.INFERENCE_TOKEN) if secret}
