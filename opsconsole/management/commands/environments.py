"""`manage.py environments`: which there are, what runs in one, and adding or removing one."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from opsconsole.deployments import removal
from opsconsole.environments import add, look, operate, shape
from opsconsole.gateways.postgres.server import Locked
from opsconsole.management.naming import environment_named
from opsconsole.management.ops_command import FAILED, USAGE, OpsCommand
from opsconsole.models import Environment

DEEDS = ("status", "add", "protect", "remove")
PORTS = [*shape.PORTS, *(name for names in shape.OF_OVERLAYS.values() for name in names)]


class Command(OpsCommand):
    """Without a word: the list."""

    help = "List environments, show what runs in one, add one, protect it, or remove it"
    failures = (*OpsCommand.failures, Locked)

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "deed", nargs="?", choices=DEEDS, metavar="DEED",
            help=f"{', '.join(DEEDS)}; without it: the list",
        )  # fmt: skip
        parser.add_argument(
            "code", nargs="?", metavar="ENV", help="its code; status without it: this installation"
        )
        parser.add_argument("--kind", choices=Environment.Kind.values, default="staging")
        parser.add_argument("--subnet", default="", help="as 172.30; chosen where it is left out")
        for name in PORTS:
            option = f"--{name.lower().replace('_', '-')}"
            parser.add_argument(option, dest=name, type=int, metavar="PORT")
        parser.add_argument("--overlay", action="append", choices=shape.OPTIONAL, default=[])
        parser.add_argument("--set", action="append", metavar="NAME=VALUE", default=[])
        parser.add_argument("--base-url", default="", help="where people call it")
        parser.add_argument("--protected", action="store_true", help="it is not removed")
        parser.add_argument("--off", action="store_true", help="protect: no longer")
        parser.add_argument(
            "--no-backup", action="store_true", help="remove: needs --reason; nothing is kept"
        )
        parser.add_argument("--reason", default="", help="kept in the events")
        parser.add_argument("--yes", action="store_true", help="confirm without a terminal")

    def do(self, options: dict[str, Any]) -> Any:
        """The list, or the document of one."""
        if not options["deed"]:
            return [summary(row) for row in Environment.objects.kept().select_related("release")]
        if not options["code"] and options["deed"] != "status":
            raise CommandError("name the environment", returncode=USAGE)
        deeds = {"status": self.status_of, "add": self.add, "protect": self.protect}
        deeds["remove"] = self.remove
        return deeds[options["deed"]](options)

    def status_of(self, options: dict[str, Any]) -> dict[str, Any]:
        """What runs, looked at now; or what the worker saw last, where this process cannot look."""
        environment = environment_named(options["code"])
        if environment.laid_out_at and settings.ENGINE:
            try:
                look.look(environment)
            except Locked:
                environment.refresh_from_db()
        return look.status(environment)

    def add(self, options: dict[str, Any]) -> dict[str, Any]:
        """A new environment; its first deployment lays it out."""
        wanted = add.Wanted(
            code=options["code"],
            kind=options["kind"],
            subnet=options["subnet"],
            ports={name: options[name] for name in PORTS if options[name] is not None},
            overlays=options["overlay"],
            variables=dict(map(assignment, options["set"])),
            base_url=options["base_url"],
            protected=options["protected"],
        )
        environment = add.add(wanted, caller=self.caller())
        ports = environment.ports
        return {**summary(environment), "subnet": environment.subnet_prefix, "ports": ports}

    def protect(self, options: dict[str, Any]) -> dict[str, Any]:
        """Keep it from being removed, or let it be."""
        environment = environment_named(options["code"])
        on, why = not options["off"], options["reason"]
        add.protect(environment, on=on, caller=self.caller(), why=why)
        return {**summary(environment), "protected": environment.protected}

    def remove(self, options: dict[str, Any]) -> dict[str, Any]:
        """Everything of it, after a last backup that is kept here."""
        environment = environment_named(options["code"])
        meaning = f"containers, data and secrets of {environment.project} are removed for good"
        self.confirm(environment.code, meaning, options)
        done = operate.at_once(
            lambda: removal.request(
                environment,
                confirmed=environment.code,
                caller=self.caller(),
                why=options["reason"],
                without_backup=options["no_backup"],
            ),
            removal.DEEDS,
            say=self.stderr.write,
        )
        environment.refresh_from_db()
        return {**summary(environment), "reason": done.reason, "failed": bool(done.reason)}

    def status(self, result: Any) -> int:
        """1 where a removal did not come to its end."""
        return FAILED if isinstance(result, dict) and result.get("failed") else 0

    def show(self, result: Any) -> None:
        """A line for each environment, or for each replica of one."""
        if isinstance(result, list):
            for row in result:
                self.stdout.write(line(row))
            if not result:
                self.stdout.write("none yet: the operations worker enters this installation")
            return
        if result.get("failed"):
            self.stderr.write(self.style.ERROR(f"not removed: {result['reason']}"))
        self.stdout.write(line(result))
        if "ports" in result:
            self.stdout.write(f"  {chosen(result)}")
        for service in result.get("services", []):
            for replica in service["replicas"]:
                self.stdout.write(f"  {replica_line(service, replica)}")


def assignment(word: str) -> tuple[str, str]:
    """NAME=VALUE in two."""
    name, equals, value = word.partition("=")
    if not equals:
        raise CommandError(f"{word}: NAME=VALUE is wanted", returncode=USAGE)
    return name, value


def summary(environment: Environment) -> dict[str, Any]:
    """What `environments --json` prints of one."""
    return {
        "code": environment.code,
        "kind": environment.kind,
        "engine": environment.engine,
        "release": environment.release.version if environment.release else None,
        "state": look.state_of(environment),
    }


def line(row: dict[str, Any]) -> str:
    """An environment for people."""
    words = f"{row['code']:<20} {row['kind']:<12} {row['engine']:<9} {row['state']:<8}"
    more = row.get("trouble") or row.get("release") or ""
    return f"{words} {more}".rstrip()


def chosen(row: dict[str, Any]) -> str:
    """What an environment that was added has of its own, and what creates it."""
    ports = ", ".join(f"{name} {number}" for name, number in row["ports"].items())
    lays_out = f"deploy {row['code']} --version V lays it out"
    return f"subnet {row['subnet']}.0.0/16, {ports}; {lays_out}"


def replica_line(service: dict[str, Any], replica: dict[str, Any]) -> str:
    """A replica for people; a dash where something is not known."""
    cores, memory = replica["cpu_cores"], replica["memory_bytes"]
    cpu = "-" if cores is None else f"{cores:.2f} cores"
    size = "-" if memory is None else f"{memory / 2**20:.0f} MiB"
    state = f"{replica['state']}, {replica['health']}"
    restarts = f"{replica['restarts']} restarts" if replica["restarts"] else ""
    return f"{service['name']:<12} {replica['name']:<30} {state:<22} {cpu:>11} {size:>9} {restarts}"
