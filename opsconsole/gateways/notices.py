"""Sending a notice to the address in a secret file, which nothing that is kept or shown names."""

import logging
import re
import threading
from contextvars import ContextVar

import apprise
from django.conf import settings
from django.utils.translation import gettext as _

NAME = re.compile(r"[a-z0-9-]{1,32}")
MOST_BYTES = 64 * 1024
SECONDS = 20.0
"""The longest that one try may take, whatever the service does."""
ANSWER = re.compile(r"error=(\d{3})|\((\d{3}), ")
"""The status of an HTTP or SMTP server, in the ways in which apprise's plug-ins write it."""


class NoticeError(Exception):
    """The notice was not delivered; the message says why without any part of the address."""


def send(channel: str, title: str, body: str, *, seconds: float = SECONDS) -> None:
    """Deliver the notice to every address in the channel's file; raises NoticeError."""
    services = _services(channel)
    attempt = _Attempt(services, title, body)
    # A thread that can be left behind: the plug-ins bound each read, and not their sum. It is a
    # daemon, so that a server that never ends its answer keeps no process from ending.
    attempt.start()
    attempt.join(seconds)
    if attempt.is_alive():
        raise NoticeError(_("the service did not answer within %d seconds") % seconds)
    if not attempt.delivered:
        raise NoticeError(attempt.reason)


def has_file(channel: str) -> bool:
    """Whether the channel has a file, which this process may not be allowed to read."""
    try:
        return bool(NAME.fullmatch(channel)) and (settings.CHANNELS_DIR / channel).exists()
    except OSError:
        return False


def _services(channel: str) -> "apprise.Apprise":
    asset = apprise.AppriseAsset(
        app_id="PM Scoring",
        app_desc="PM Scoring",
        app_url="",
        async_mode=False,
        storage_mode=apprise.PersistentStoreMode.MEMORY,
        allow_templates=False,
    )
    services = apprise.Apprise(asset=asset)
    for address in _addresses(channel):
        if not services.add(address):
            raise NoticeError(_("the channel's file holds an address that apprise cannot use"))
    return services


def _addresses(channel: str) -> list[str]:
    """The lines of the file; blank ones and those that begin with # do not count."""
    if not NAME.fullmatch(channel):
        raise NoticeError(_("%s is not a valid name of a channel") % channel)
    try:
        with (settings.CHANNELS_DIR / channel).open("rb") as file:
            text = file.read(MOST_BYTES).decode()
    except (OSError, ValueError) as error:
        words = {"name": channel, "error": getattr(error, "strerror", "") or _("not UTF-8")}
        raise NoticeError(_("CHANNELS_DIR/%(name)s cannot be read: %(error)s") % words) from None
    lines = [line.strip() for line in text.splitlines()]
    addresses = [line for line in lines if line and not line.startswith("#")]
    if not addresses:
        raise NoticeError(_("CHANNELS_DIR/%s holds no address") % channel)
    return addresses


class _Attempt(threading.Thread):
    """One try, and what came of it."""

    def __init__(self, services: "apprise.Apprise", title: str, body: str) -> None:
        super().__init__(name="notice", daemon=True)
        self.services, self.title, self.body = services, title, body
        self.delivered = False
        self.status = ""

    def run(self) -> None:
        """Deliver, and remember whether it worked."""
        _attempt.set(self)
        try:
            outcome = self.services.notify(self.body, self.title, body_format="text")
            self.delivered = bool(outcome)
        except Exception:  # noqa: BLE001  # a plug-in's error may quote the address
            self.delivered = False

    @property
    def reason(self) -> str:
        """Why it was not delivered, as far as can be said without the address."""
        if self.status:
            return _("the service answered %s") % self.status
        return _("the service could not be reached, or refused the notice")


class _Statuses(logging.Handler):
    """Takes an answer's status from what apprise logs, and lets nothing else of it pass."""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the status for the attempt that it belongs to."""
        match, attempt = ANSWER.search(record.getMessage()), _attempt.get()
        if match and attempt:
            attempt.status = match[1] or match[2]


# Not a thread-local: apprise may run a plug-in in a thread of its own, in a copy of this context.
_attempt: ContextVar[_Attempt | None] = ContextVar("attempt", default=None)
# apprise logs addresses that it cannot use, hosts, and answers.
log = logging.getLogger("apprise")
log.setLevel(logging.DEBUG)
log.propagate = False
log.addHandler(_Statuses())
