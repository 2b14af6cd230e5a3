"""`manage.py rollback ENV`: deploy an earlier release, by the digests that ran then."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from opsconsole.deployments import prepare, request, rollback
from opsconsole.deployments.plan import printed
from opsconsole.environments.engine import engine_of
from opsconsole.management.deploying import DeployingCommand
from opsconsole.management.naming import environment_named
from opsconsole.management.ops_command import USAGE
from opsconsole.models import Environment, Release


class Command(DeployingCommand):
    """Without `--to`, to what ran before the present release."""

    help = "Go back to a release that ran before"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--to", metavar="RELEASE", help="its id, or the beginning of it")
        parser.add_argument("--dry-run", action="store_true", help="print what would be done")

    def do(self, options: dict[str, Any]) -> dict[str, Any]:
        """The deployment's document, or the plan's."""
        environment = environment_named(options["environment"])
        release = self.release(environment, options["to"])
        if options["dry_run"]:
            draft = request.draft(environment, release=release, maintenance=options["maintenance"])
            return printed(*prepare.dry_run(draft, engine_of(environment)))
        self.confirm(
            environment.code, f"{release} replaces what runs in {environment.code}", options
        )
        deployment = rollback.rollback(
            environment,
            caller=self.caller(),
            to=release,
            maintenance=options["maintenance"],
            why=options["reason"],
        )
        self.asked_only = options["wait"] == 0
        return self.watch(deployment, options)

    def release(self, environment: Environment, word: str | None) -> Release:
        """The release whose id begins so, or the one before."""
        if not word:
            return rollback.earlier(environment)
        releases = list(environment.releases.filter(uid__startswith=word)[:2])
        releases = releases or list(environment.releases.filter(version=word)[:1])
        if len(releases) != 1:
            raise CommandError(f"{word}: {len(releases)} releases of that id", returncode=USAGE)
        return releases[0]
