"""`manage.py notify --test CHANNEL`: send a test notice from here, and say whether it arrived."""

from argparse import ArgumentParser
from typing import Any

from opsconsole.management.ops_command import FAILED, OpsCommand
from opsconsole.models import Channel
from opsconsole.notices import testing
from pmscoring.base.lifecycle import WrongState


class Command(OpsCommand):
    """Sends at once, also where the channel is switched off."""

    help = "Send a test notice to a channel."
    failures = (WrongState, Channel.DoesNotExist)

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--test", required=True, metavar="CHANNEL", help="the channel's name")

    def do(self, options: dict[str, Any]) -> dict[str, Any]:
        """Whether it was delivered; the reason stands in the channel's row."""
        name = options["test"]
        channel = Channel.objects.filter(name=name).first()
        if channel is None:
            raise Channel.DoesNotExist(f"there is no channel {name}; the admin adds channels")
        delivered = testing.test(channel, self.caller())
        channel.refresh_from_db()
        if channel.fault:
            self.stderr.write(channel.fault)
        return {"channel": name, "delivered": delivered}

    def show(self, result: dict[str, Any]) -> None:
        """In one sentence."""
        said = "delivered" if result["delivered"] else "not delivered"
        self.stdout.write(f"{result['channel']}: the test notice was {said}")

    def status(self, result: dict[str, Any]) -> int:
        """A notice that did not arrive is a failure."""
        return 0 if result["delivered"] else FAILED
