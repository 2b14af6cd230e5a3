"""`manage.py deploy ENV`: bring a version into an environment, and watch it come."""

from argparse import SUPPRESS, ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from opsconsole.deployments import driver, prepare, request
from opsconsole.deployments.plan import printed
from opsconsole.deployments.summary import summary
from opsconsole.environments.engine import engine_of, patient_engine_of
from opsconsole.management.deploying import DeployingCommand
from opsconsole.management.naming import environment_named
from opsconsole.management.ops_command import USAGE
from opsconsole.models import Deployment, Environment
from pmscoring.base.refusals import Refused


class Command(DeployingCommand):
    """An operations worker drives it; `--drive` is how it starts a driver in a container."""

    named = "?"
    help = "Bring a version into an environment without a failed request, or go back by itself"

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """With a `--version` of ours in the place of Django's own."""
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        images = parser.add_mutually_exclusive_group()
        images.add_argument("--version", dest="tag", metavar="V", help="the tag of our images")
        images.add_argument("--bundle", type=Path, metavar="FILE", help="an archive with images")
        images.add_argument(
            "--follow", action="store_true", help="ask for nothing; watch the newest one to its end"
        )
        parser.add_argument("--dry-run", action="store_true", help="print what would be done")
        # Used by the operations worker alone.
        parser.add_argument("--drive", metavar="ID", help=SUPPRESS)
        parser.add_argument("--as", dest="name", help=SUPPRESS)

    def do(self, options: dict[str, Any]) -> dict[str, Any]:
        """The deployment's document, or the plan's."""
        if options["drive"]:
            return self.drive(options)
        if not options["environment"]:
            raise CommandError("name an environment", returncode=USAGE)
        environment = environment_named(options["environment"])
        if options["follow"]:
            return self.follow(environment, options)
        wanted = {
            "version": options["tag"] or "",
            "bundle": self.bundle(options["bundle"]),
            "maintenance": options["maintenance"],
        }
        if options["dry_run"]:
            draft = request.draft(environment, **wanted)
            return printed(*prepare.dry_run(draft, engine_of(environment)))
        name = options["tag"] or wanted["bundle"]
        self.confirm(environment.code, f"{name} replaces what runs in {environment.code}", options)
        deployment = request.request(
            environment, caller=self.caller(), why=options["reason"], **wanted
        )
        self.asked_only = options["wait"] == 0
        return self.watch(deployment, options)

    def follow(self, environment: Environment, options: dict[str, Any]) -> dict[str, Any]:
        """For whoever watched from the old operations worker's container, replaced last."""
        newest = environment.deployments.first()
        if newest is None:
            raise CommandError("nothing was deployed yet", returncode=USAGE)
        return self.watch(newest, options)

    def drive(self, options: dict[str, Any]) -> dict[str, Any]:
        """Take over from the operations worker that started this process."""
        deployment = Deployment.objects.filter(uid=options["drive"]).first()
        if deployment is None:
            raise CommandError("there is no such deployment", returncode=USAGE)
        driver.take_over(
            deployment, patient_engine_of(deployment.environment), options["name"] or ""
        )
        return summary(deployment)

    def bundle(self, path: Path | None) -> str:
        """The name of the bundle, which must lie where the operations worker reads bundles."""
        if path is None:
            return ""
        folder = Path(settings.BUNDLES_DIR)
        if path.parent not in (Path(), folder) and path.resolve().parent != folder.resolve():
            raise Refused(f"put the bundle into {folder}: the operations worker reads it there")
        return path.name
