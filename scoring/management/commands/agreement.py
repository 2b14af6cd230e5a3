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
    "audit": "  audit sample only",
    "people": "people : people",
}
MOST_CUTS = 10


class Command(BaseCommand):
    """Prints a line for each comparison of an exam; of a single question all figures."""

    help = "Print how well machine and people agree, by question"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("exam", metavar="EXAM", help="code of the exam")
        parser.add_argument(
            "question",
            metavar="QUESTION",
            nargs="?",
            help="code of a question, to print all figures of it",
        )
        parser.add_argument("--json", action="store_true", help="print JSON, as the REST API does")

    def handle(self, *args: Any, **options: Any) -> None:
        exam = Exam.objects.filter(code=options["exam"]).first()
        if exam is None:
            raise CommandError(f"there is no exam {options['exam']}")
        if options["question"]:
            self._show_question(exam, options["question"], options["json"])
        else:
            self._show_exam(exam, options["json"])

    def _show_exam(self, exam: Exam, as_json: bool) -> None:
        agreement = exam_agreement(exam, names=True)
        if as_json:
            self._write_json(agreement)
            return
        self.stdout.write(HEAD)
        for question in agreement["questions"]:
            self._write_comparisons(question)
        overall: Any = agreement["overall"]
        if overall["count"]:
            self.stdout.write(
                f"{'all':<12}{SIDES['machine']:<22}{overall['count']:>7}"
                f"{overall['exact']:>8.1%}{overall['adjacent']:>9.1%}"
                f"{_kappa(overall['kappa']):>7}  (mean QWK through Fisher's z)"
            )

    def _show_question(self, exam: Exam, code: str, as_json: bool) -> None:
        question = exam.questions.select_related("calibration").filter(code=code).first()
        if question is None:
            raise CommandError(f"{exam.code} has no question {code}")
        agreement = question_agreement(question, names=True)
        if as_json:
            self._write_json(agreement)
            return
        self.stdout.write(HEAD)
        self._write_comparisons(agreement)
        for pair in agreement["markers"]:
            self._write_line("", f"  {pair['one']} : {pair['other']}"[:21], pair["figures"])
        self._write_criteria(agreement)
        self._write_confusion(agreement)
        self._write_coverage(agreement)
        self._write_drift(agreement)

    def _write_json(self, agreement: Any) -> None:
        self.stdout.write(json.dumps(agreement, ensure_ascii=False, indent=2))

    def _write_criteria(self, agreement: QuestionAgreement) -> None:
        for criterion in agreement["criteria"]:
            for side in ("machine", "people"):
                figures = criterion[side]
                if figures:
                    self._write_line(criterion["code"], SIDES[side], figures)

    def _write_comparisons(self, agreement: QuestionAgreement) -> None:
        code = agreement["question"]
        for side in ("machine", "audit", "people"):
            figures = agreement[side]
            if figures:
                self._write_line(code, SIDES[side], figures)
                code = ""
        if code:
            self.stdout.write(f"{code:<12}nothing to compare yet")
        counts = {
            "predicted out of fold": agreement["out_of_fold"],
            "disputed or not yet marked by all markers": agreement["open"],
            "without a machine mark": agreement["unpredicted"],
        }
        notes = [f"{count} {text}" for text, count in counts.items() if count]
        if notes:
            self.stdout.write(f"{'':<12}({', '.join(notes)})")

    def _write_line(self, code: str, sides: str, figures: Figures) -> None:
        interval = figures["kappa_interval"]
        bounds = "-" if interval is None else f"{interval[0]:.3f}-{interval[1]:.3f}"
        self.stdout.write(
            f"{code:<12}{sides:<22}{figures['count']:>7}{figures['exact']:>8.1%}"
            f"{figures['adjacent']:>9.1%}{_kappa(figures['kappa']):>7}{bounds:>16}"
            f"{figures['mae']:>7.2f}{figures['bias']:>+7.2f}"
        )

    def _write_confusion(self, agreement: QuestionAgreement) -> None:
        if not agreement["confusion"]:
            return
        counts = {
            (cell["people"], cell["machine"]): cell["count"] for cell in agreement["confusion"]
        }
        scale = sorted({points for pair in counts for points in pair})
        self.stdout.write("\npeople down, machine across")
        self.stdout.write(" " * 7 + "".join(f"{points:>6g}" for points in scale))
        for people in scale:
            row = (counts.get((people, machine), 0) for machine in scale)
            cells = "".join(f"{count or '.':>6}" for count in row)
            self.stdout.write(f"{people:>6g} {cells}")

    def _write_coverage(self, agreement: QuestionAgreement) -> None:
        cuts = agreement["coverage"]
        if not cuts:
            return
        self.stdout.write(f"\n{'confidence':>10}{'covered':>10}{'exact':>8}")
        every = max(len(cuts) // MOST_CUTS, 1)
        for cut in cuts[every - 1 :: every]:
            self.stdout.write(
                f"{cut['threshold']:>10.3f}{cut['coverage']:>10.1%}{cut['agreement']:>8.1%}"
            )

    def _write_drift(self, agreement: QuestionAgreement) -> None:
        if not agreement["drift"]:
            return
        self.stdout.write(f"\n{'audit from':<12}{'count':>7}{'exact':>8}{'95 % interval':>18}")
        for period in agreement["drift"]:
            low, high = period["exact_interval"]
            interval = f"{low:.1%}-{high:.1%}"
            self.stdout.write(
                f"{period['first']:<12}{period['count']:>7}{period['exact']:>8.1%}{interval:>18}"
            )


def _kappa(kappa: float | None) -> str:
    return "-" if kappa is None else f"{kappa:.3f}"
