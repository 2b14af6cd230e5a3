"""Telling each channel what it is still to be told.

The events are the truth, and each channel's row says how far it was told: whoever runs this finds
everything that is outstanding, and a message that asks for it may be lost. A notice may come twice,
where a worker dies after it sent, and never not at all.
"""

import logging

from django.utils import translation
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from opsconsole.gateways import notices
from opsconsole.gateways.notices import NoticeError
from opsconsole.models import Caller, Channel, Event
from opsconsole.models.channels import TEST, newest_event
from opsconsole.notices.messages import body_of, title_of

log = logging.getLogger(__name__)
AT_ONCE = 200
TRIES = 3
FIRST_WAIT, LONGEST_WAIT = 0.5, 4.0


def tell_all() -> int:
    """Tell every channel that is due, and return how many notices were delivered."""
    return sum(tell(channel) for channel in Channel.objects.due() if channel.claim())


def tell(channel: Channel) -> int:
    """Tell a channel that this worker has claimed; returns how many notices were delivered.

    Events that are recorded meanwhile are told too: for them no other worker can claim the channel.
    """
    delivered = 0
    while True:
        newest = newest_event()
        events = list(channel.news().filter(number__lte=newest)[:AT_ONCE])
        if not events:
            channel.has_told(newest)
            channel.release()
            return delivered
        if not _deliver(channel, events):
            return delivered
        delivered += 1


def _deliver(channel: Channel, events: list[Event]) -> bool:
    try:
        with translation.override(channel.language):
            send(channel, title_of(events), body_of(events))
    except NoticeError as error:
        log.warning("channel %s: a notice was not delivered", channel.name)
        first_failure = channel.tries == 0
        channel.has_failed(str(error))
        if first_failure:
            _tell_of_tests(channel, events, "failed", reason=str(error))
        return False
    channel.has_delivered(events[-1].number)
    _tell_of_tests(channel, events, "ok")
    return True


def send(channel: Channel, title: str, body: str) -> None:
    """Deliver a notice, trying a few times; raises NoticeError."""
    for attempt in Retrying(
        stop=stop_after_attempt(TRIES),
        wait=wait_exponential(multiplier=FIRST_WAIT, max=LONGEST_WAIT),
        retry=retry_if_exception_type(NoticeError),
        reraise=True,
    ):
        with attempt:
            notices.send(channel.name, title, body)


def _tell_of_tests(channel: Channel, events: list[Event], result: str, **details: str) -> None:
    """Record for each test that somebody asked for what came of it."""
    for event in events:
        if event.deed == TEST:
            caller = Caller(event.actor, event.source, event.address)
            Event.objects.record("channel.tested", channel, caller, result=result, **details)
