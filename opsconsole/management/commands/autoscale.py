"""`manage.py autoscale`: a turn of the autoscaler, as beat asks for one every 15 seconds."""

from argparse import ArgumentParser
from typing import Any

from opsconsole.environments.engine import engine_of
from opsconsole.management.ops_command import FAILED, OpsCommand
from opsconsole.models import ScalingDecision
from opsconsole.scaling import apply, words
from opsconsole.scaling.turn import turn


class Command(OpsCommand):
    """Decides on every policy, carries out what follows, or only says what would."""

    help = "Decide on every scaling policy, scale as was decided, and say why"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--once", action="store_true", help="one turn; this is the default")
        parser.add_argument("--dry-run", action="store_true", help="only say what would follow")
        parser.add_argument("--explain", action="store_true", help="say how it came to that")

    def do(self, options: dict[str, Any]) -> list[dict[str, Any]]:
        decisions = turn(caller=self.caller(), dry_run=options["dry_run"])
        for decision in decisions:
            if decision.pk and decision.outcome == ScalingDecision.Outcome.DOING:
                self._carry_out(decision)
        return [document(each, explain=options["explain"]) for each in decisions]

    def _carry_out(self, decision: ScalingDecision) -> None:
        engine = engine_of(decision.policy.environment)
        apply.carry_out(decision, engine, caller=self.caller())
        decision.refresh_from_db()

    def show(self, result: list[dict[str, Any]]) -> None:
        for each in result:
            where = f"{each['environment']} {each['service']}"
            numbers = f"{each['current']} → {each['desired']}"
            done = each["outcome"].replace("_", " ")
            says = "; ".join(filter(None, (each["reason"], done, each["says"])))
            self.stdout.write(f"{where}: {numbers}: {says}")
            for sentence in each.get("explanation", ()):
                self.stdout.write(f"  {sentence}")
        if not result:
            self.stdout.write("there is no scaling policy")

    def status(self, result: list[dict[str, Any]]) -> int:
        """1 where nothing could be seen, or the engine did not do it."""
        is_well = not any(each["says"] for each in result)
        return 0 if is_well else FAILED


def document(decision: ScalingDecision, *, explain: bool) -> dict[str, Any]:
    """As `--json` prints it."""
    known = decision.document()
    names = ("environment", "service", "current", "desired", "action")
    rest = ("inputs", "clamps", "outcome", "says")
    shown = {name: known[name] for name in names}
    shown |= {"reason": words.reason(known), **{name: known[name] for name in rest}}
    return shown | ({"explanation": words.sentences(known)} if explain else {})
