"""`manage.py deployments [ENV]`: what was deployed, the newest first; act on one under way."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from opsconsole import tasks
from opsconsole.deployments import cancel, recovery, request
from opsconsole.deployments.summary import summary
from opsconsole.management.naming import environment_named
from opsconsole.management.ops_command import USAGE, OpsCommand
from opsconsole.models import Deployment, Environment
from pmscoring.base.nudges import nudge

LISTED = 50


class Command(OpsCommand):
    """The deeds on a deployment that is under way have options of their own."""

    help = "List the deployments of an environment, or act on one that is under way"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "environment", metavar="ENV", nargs="?", help="its code; without it: this installation"
        )
        deeds = parser.add_mutually_exclusive_group()
        deeds.add_argument("--cancel", metavar="ID", help="end it, or have it go back")
        deeds.add_argument("--approve", metavar="ID", help="let it begin")
        deeds.add_argument(
            "--break-lock", metavar="ID", help="have it taken over at once; needs --reason"
        )
        parser.add_argument("--reason", default="", help="kept in the events")

    def do(self, options: dict[str, Any]) -> list[dict[str, Any]]:
        """A document for each, or for the one that was acted on."""
        environment = environment_named(options["environment"])
        if chosen := self.act(environment, options):
            chosen.refresh_from_db()
            return [summary(chosen)]
        rows = environment.deployments.select_related("environment", "from_release", "to_release")
        return [summary(deployment) for deployment in rows[:LISTED]]

    def act(self, environment: Environment, options: dict[str, Any]) -> Deployment | None:
        """Do what was asked for."""
        caller, reason = self.caller(), options["reason"]
        if word := options["cancel"]:
            deployment = self.deployment(environment, word)
            cancel.cancel(deployment, caller=caller)
        elif word := options["approve"]:
            deployment = self.deployment(environment, word)
            request.approve(deployment, caller=caller, why=reason)
            nudge(tasks.start_deployment, deployment.pk)
        elif word := options["break_lock"]:
            deployment = self.deployment(environment, word)
            recovery.break_lock(deployment, caller=caller, reason=reason)
            nudge(tasks.sweep_deployments)
        else:
            return None
        return deployment

    def deployment(self, environment: Environment, word: str) -> Deployment:
        """The one whose id begins so."""
        rows = list(environment.deployments.filter(uid__startswith=word)[:2])
        if len(rows) != 1:
            raise CommandError(f"{word}: {len(rows)} deployments of that id", returncode=USAGE)
        return rows[0]

    def show(self, result: list[dict[str, Any]]) -> None:
        """A line for each."""
        for each in result:
            self.stdout.write(f"{each['id'][:8]}  {each['to']}  {each['state']}  {each['reason']}")
        if not result:
            self.stdout.write("none yet")
