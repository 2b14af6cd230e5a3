"""`manage.py agreement EXAM [QUESTION]`: how well machine and people agree."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from scoring.agreement.figures import exam_agreement, question_agreement
from scoring.agreement.shapes import Figures, QuestionAgreement
from scoring.models import Exam

HEAD = (
    f"{'question':<12}{'compared':<22}{'count':>7}{'exact':>8}{'±1 step':>9}"
    f"{'QWK':>7}{'95 % interval':>16}{'MAE':>7}{'bias':>7}"
)
SIDES = {
    "machine": "machine : people",
    "audit": "  of them the audit",
    "people": "people : people",
}
MOST_CUTS = 10


class Command(BaseCommand):
    """A line for each comparison; for one question also where and when they differ."""

    help = "Print how well machine and people agree, by question"

    def add_arguments(self, parser: CommandParser) -> None:
        """EXAM [QUESTION] [--json]."""
        parser.add_argument("exam", metavar="EXAM", help="the exam's code")
        parser.add_argument(
            "question", metavar="QUESTION", nargs="?", help="its code: all there is to be told"
        )
        parser.add_argument("--json", action="store_true", help="as REST tells it")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit status 1 where there is no such exam or question."""
        exam = Exam.objects.filter(code=options["exam"]).first()
        if exam is None:
            raise CommandError(f"there is no exam {options['exam']}")
        if options["question"]:
            self._show_one(exam, options["question"], options["json"])
            return
        found = exam_agreement(exam, names=True)
        if options["json"]:
            self._write_json(found)
            return
        self.stdout.write(HEAD)
        for one in found["questions"]:
            self._lines(one)
        overall = found["overall"]
        if overall["count"]:
            self.stdout.write(
                f"{'all':<12}{SIDES['machine']:<22}{overall['count']:>7}"
                f"{overall['exact']:>8.1%}{overall['adjacent']:>9.1%}"
                f"{_kappa(overall['kappa']):>7}  (mean QWK through Fisher's z)"
            )

    def _write_json(self, told: Any) -> None:
        self.stdout.write(json.dumps(told, ensure_ascii=False, indent=2))

    def _show_one(self, exam: Exam, code: str, as_json: bool) -> None:
        question = exam.questions.select_related("calibration").filter(code=code).first()
        if question is None:
            raise CommandError(f"{exam.code} has no question {code}")
        found = question_agreement(question, names=True)
        if as_json:
            self._write_json(found)
            return
        self.stdout.write(HEAD)
        self._lines(found)
        for pair in found["markers"]:
            self._line("", f"  {pair['one']} : {pair['other']}"[:21], pair["figures"])
        for criterion in found["criteria"]:
            for side in ("machine", "people"):
                figures = criterion[side]
                if figures:
                    self._line(criterion["code"], SIDES[side], figures)
        self._confusion(found)
        self._coverage(found)
        self._drift(found)

    def _lines(self, one: QuestionAgreement) -> None:
        code = one["question"]
        for side in ("machine", "audit", "people"):
            figures = one[side]
            if figures:
                self._line(code, SIDES[side], figures)
                code = ""
        if code:
            self.stdout.write(f"{code:<12}nothing to compare yet")
        notes = [
            f"{one['out_of_fold']} predicted out of fold" if one["out_of_fold"] else "",
            f"{one['open']} in dispute or not yet read by all" if one["open"] else "",
            f"{one['unpredicted']} without a machine mark" if one["unpredicted"] else "",
        ]
        if told := ", ".join(filter(None, notes)):
            self.stdout.write(f"{'':<12}({told})")

    def _line(self, code: str, sides: str, figures: Figures) -> None:
        interval = figures["kappa_interval"]
        shown = "-" if interval is None else f"{interval[0]:.3f}-{interval[1]:.3f}"
        self.stdout.write(
            f"{code:<12}{sides:<22}{figures['count']:>7}{figures['exact']:>8.1%}"
            f"{figures['adjacent']:>9.1%}{_kappa(figures['kappa']):>7}{shown:>16}"
            f"{figures['mae']:>7.2f}{figures['bias']:>+7.2f}"
        )

    def _confusion(self, found: QuestionAgreement) -> None:
        if not found["confusion"]:
            return
        counts = {(one["people"], one["machine"]): one["count"] for one in found["confusion"]}
        scale = sorted({points for pair in counts for points in pair})
        self.stdout.write("\npeople down, machine across")
        self.stdout.write(" " * 7 + "".join(f"{points:>6g}" for points in scale))
        for people in scale:
            row = (counts.get((people, machine), 0) for machine in scale)
            cells = "".join(f"{count or '.':>6}" for count in row)
            self.stdout.write(f"{people:>6g} {cells}")

    def _coverage(self, found: QuestionAgreement) -> None:
        cuts = found["coverage"]
        if not cuts:
            return
        self.stdout.write(f"\n{'confidence':>10}{'covered':>10}{'exact':>8}")
        every = max(len(cuts) // MOST_CUTS, 1)
        for cut in cuts[every - 1 :: every]:
            self.stdout.write(
                f"{cut['threshold']:>10.3f}{cut['coverage']:>10.1%}{cut['agreement']:>8.1%}"
            )

    def _drift(self, found: QuestionAgreement) -> None:
        if not found["drift"]:
            return
        self.stdout.write(f"\n{'audit from':<12}{'count':>7}{'exact':>8}{'95 % interval':>18}")
        for one in found["drift"]:
            low, high = one["exact_interval"]
            interval = f"{low:.1%}-{high:.1%}"
            self.stdout.write(
                f"{one['first']:<12}{one['count']:>7}{one['exact']:>8.1%}{interval:>18}"
            )


def _kappa(kappa: float | None) -> str:
    return "-" if kappa is None else f"{kappa:.3f}"
