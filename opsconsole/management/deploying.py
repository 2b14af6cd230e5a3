"""What `deploy` and `rollback` have in common: asking, nudging a worker, watching, the exit."""

import time
from argparse import ArgumentParser
from typing import Any

from opsconsole import tasks
from opsconsole.deployments.summary import summary
from opsconsole.engines.base import EngineError
from opsconsole.management.ops_command import BUSY, FAILED, OpsCommand
from opsconsole.models import Deployment
from pmscoring.base.nudges import nudge

LOOK_SECONDS = 1.0
pause = time.sleep
PRINTED = ("done", "failed", "skipped")


class DeployingCommand(OpsCommand):
    """A subclass asks for the deployment; an operations worker drives it, and this watches it.

    Exit 0 when it is live, 1 when it ended otherwise, 75 when `--wait` was over first.
    """

    failures = (*OpsCommand.failures, EngineError)
    named: str | None = None
    """How often ENV is named, as argparse says it: once, unless a subclass says otherwise."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("environment", metavar="ENV", nargs=self.named, help="its code")
        parser.add_argument(
            "--wait", type=float, metavar="S",
            help="seconds to wait for its end; 0: do not wait; without it: until the end",
        )  # fmt: skip
        parser.add_argument(
            "--maintenance", action="store_true", help="show the maintenance page meanwhile"
        )
        parser.add_argument("--reason", default="", help="kept; overrides an exam window")
        parser.add_argument("--yes", action="store_true", help="confirm without a terminal")

    def watch(self, deployment: Deployment, options: dict[str, Any]) -> dict[str, Any]:
        """Nudge a worker, and show the steps as they go until the end or until `--wait` is over."""
        nudge(tasks.start_deployment, deployment.pk)
        wait, bar, printed = options["wait"], self.bar("deployment"), 0
        began = time.monotonic()
        while not deployment.is_over and (wait is None or time.monotonic() - began < wait):
            pause(min(LOOK_SECONDS, wait or LOOK_SECONDS))
            deployment.refresh_from_db()
            bar(min(deployment.fraction, 0.99), deployment.stage)
            printed = self._print_steps(deployment, printed)
        if deployment.is_over:
            bar(1.0, str(deployment.get_status_display()))
        return summary(deployment)

    def _print_steps(self, deployment: Deployment, printed: int) -> int:
        ended = [step for step in deployment.steps if step["state"] in PRINTED]
        for step in ended[printed:]:
            says = (step["says"].splitlines() or [""])[-1]
            took = "" if step["seconds"] is None else f"{step['seconds']} s"
            words = (f"{step['name']}: {step['state']}", took, says)
            self.stderr.write("  " + "  ".join(filter(None, words)))
        return max(printed, len(ended))

    def show(self, result: dict[str, Any]) -> None:
        """Print what came of it."""
        if "plan" in result:
            for line in result["plan"]:
                self.stdout.write(line)
            self.stdout.write(f"recreates: {', '.join(result['recreates']) or 'nothing'}")
            return
        self.stdout.write(f"{result['id']}  {result['environment']}: {result['state']}")
        if result["reason"]:
            self.stderr.write(self.style.ERROR(result["reason"]))
        if result["failed_requests"] is not None:
            self.stdout.write(f"failed requests: {result['failed_requests']}")

    def status(self, result: dict[str, Any]) -> int:
        """By the state; a dry run and `--wait 0` are done when they have printed."""
        if "plan" in result or result["state"] == Deployment.Status.LIVE or self.asked_only:
            return 0
        return FAILED if result["state"] in Deployment.ENDS else BUSY

    asked_only = False
