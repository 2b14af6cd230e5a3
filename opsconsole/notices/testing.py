"""Testing a channel: at once where the addresses are, or by whoever holds them."""

from django.utils import translation
from django.utils.translation import gettext as _

from opsconsole.gateways.notices import NoticeError
from opsconsole.models import Caller, Channel, Event
from opsconsole.models.channels import TEST
from opsconsole.notices.messages import PRODUCT
from opsconsole.notices.telling import send
from pmscoring.base.refusals import Refused


def request_test(channel: Channel, caller: Caller) -> None:
    """Have a worker send a test notice; what came of it stands in the channel's row.

    The event of the request is itself what the channel is told. Raises Refused where the channel
    is off, for then nothing is sent.
    """
    if not channel.enabled:
        raise Refused(_("%s is switched off: switch it on first") % channel)
    channel.try_at_once()
    Event.objects.record(TEST, channel, caller)


def test(channel: Channel, caller: Caller) -> bool:
    """Send a test notice from this process; returns whether it was delivered."""
    try:
        with translation.override(channel.language):
            title = _("test of this channel")
            send(channel, f"{PRODUCT}: {title}", _("This channel works.") + "\n")
    except NoticeError as error:
        channel.was_tested(str(error))
        Event.objects.record("channel.tested", channel, caller, result="failed", reason=str(error))
        return False
    channel.was_tested()
    Event.objects.record("channel.tested", channel, caller)
    return True
