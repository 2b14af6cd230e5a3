"""`manage.py autoscale`: a turn of the autoscaler, as beat asks for one every 15 seconds.

With `--replay` or `--from` and `--to` it runs the policies over recorded samples instead, and says
what they would have done; `--export` writes those samples into a file for `--replay`.
"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from opsconsole.environments.engine import patient_engine_of
from opsconsole.management.ops_command import FAILED, USAGE, OpsCommand
from opsconsole.management.replaying import (
    exported,
    moment_of,
    replayed,
    samples_between,
    samples_in,
)
from opsconsole.models import ScalingDecision
from opsconsole.scaling import apply, words
from opsconsole.scaling.turn import turn


class Command(OpsCommand):
    """Decides on every policy, carries out what follows, or only says what would."""

    help = "Decide on every scaling policy, scale as was decided, and say why"
    of = "scaling policy"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--once", action="store_true", help="one turn; this is the default")
        parser.add_argument("--dry-run", action="store_true", help="only say what would follow")
        parser.add_argument("--explain", action="store_true", help="say how it came to that")
        parser.add_argument("--replay", metavar="FILE", help="run policies over samples of a file")
        parser.add_argument("--from", dest="start", metavar="T", help="over those since then")
        parser.add_argument("--to", dest="end", metavar="T", help="and before then")
        parser.add_argument(
            "--export", metavar="FILE", help="write these samples for --replay, and run nothing"
        )

    def do(self, options: dict[str, Any]) -> list[dict[str, Any]]:
        if bool(options["start"]) != bool(options["end"]):
            raise CommandError("--from and --to come together", returncode=USAGE)
        if options["export"] and not options["start"]:
            raise CommandError("--export needs --from and --to", returncode=USAGE)
        if options["replay"] or options["start"]:
            self.of = "sample"
        if options["replay"]:
            return replayed(samples_in(options["replay"]), explain=options["explain"])
        if options["start"]:
            samples = samples_between(moment_of(options["start"]), moment_of(options["end"]))
            if options["export"]:
                return exported(samples, options["export"])
            return replayed(samples, explain=options["explain"])
        return self._turn(options)

    def _turn(self, options: dict[str, Any]) -> list[dict[str, Any]]:
        decisions = turn(caller=self.caller(), dry_run=options["dry_run"])
        for decision in decisions:
            if decision.pk and decision.outcome == ScalingDecision.Outcome.DOING:
                self._carry_out(decision)
        return [document(each, explain=options["explain"]) for each in decisions]

    def _carry_out(self, decision: ScalingDecision) -> None:
        engine = patient_engine_of(decision.policy.environment)
        apply.carry_out(decision, engine, caller=self.caller())
        decision.refresh_from_db()

    def show(self, result: list[dict[str, Any]]) -> None:
        for each in result:
            if "samples" in each:
                self._show_samples(each)
                continue
            where = f"{each['environment']} {each['service']}"
            numbers = f"{each['current']} → {each['desired']}"
            done = each["outcome"].replace("_", " ")
            says = "; ".join(filter(None, (each["reason"], done, each["says"])))
            self.stdout.write(f"{where}: {numbers}: {says}")
            for sentence in each.get("explanation", ()):
                self.stdout.write(f"  {sentence}")
        if not result:
            self.stdout.write(f"there is no {self.of}")

    def _show_samples(self, each: dict[str, Any]) -> None:
        """Those of a service, and what its policy makes of them where it was run over them."""
        self.stdout.write(f"{each['environment']} {each['service']}: {each['samples']} samples")
        for side in ("recorded", "replayed"):
            if side in each:
                figures = (f"{name} {_number(value)}" for name, value in each[side].items())
                self.stdout.write(f"  {side}: {', '.join(figures)}")
        for step in each.get("decisions", ()):
            reason = step["reason"]
            self.stdout.write(f"  {step['at']}: {step['current']} → {step['desired']}: {reason}")

    def status(self, result: list[dict[str, Any]]) -> int:
        """1 where nothing could be seen, or the engine did not do it."""
        is_well = not any(each.get("says") for each in result)
        return 0 if is_well else FAILED


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:g}"


def document(decision: ScalingDecision, *, explain: bool) -> dict[str, Any]:
    """As `--json` prints it."""
    known = decision.document()
    names = ("environment", "service", "current", "desired", "action")
    rest = ("inputs", "clamps", "outcome", "says")
    shown = {name: known[name] for name in names}
    shown |= {"reason": words.reason(known), **{name: known[name] for name in rest}}
    return shown | ({"explanation": words.sentences(known)} if explain else {})
