"""`manage.py calibrate`: fit questions to marks by people, and follow the worker that does it."""

import time
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pmscoring.lifecycle import WrongState
from scoring import calibrating, promoting, tasks
from scoring.models import Calibration, Exam, Promotion, Question

LOOK_SECONDS = 0.5
OPEN = (Calibration.Status.WAITING, Calibration.Status.FITTING)


class Command(BaseCommand):
    """Asks, as the admin and REST do; a worker fits."""

    help = "Calibrate an exam's questions from marks by people; a worker fits them"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """An exam, and which of its questions."""
        parser.add_argument("exam", help="code of the exam")
        parser.add_argument("question", nargs="*", help="codes of questions; all without any")
        parser.add_argument(
            "--wait", action="store_true", help="show progress until all are fitted"
        )
        parser.add_argument(
            "--promote",
            action="store_true",
            help="wait, and put each to use also where it is no better than the one before",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit status 0 when nothing failed that was asked for by name, and no fit failed."""
        questions = _questions(options["exam"], options["question"])
        asked = [self._ask(question, bool(options["question"])) for question in questions]
        open_fits = [one for one in asked if one]
        if not open_fits:
            raise CommandError("there is nothing to calibrate")
        if not (options["wait"] or options["promote"]):
            return
        failed = [one for one in open_fits if not self._follow(one, options["promote"])]
        if failed:
            raise CommandError(f"{len(failed)} of {len(open_fits)} failed")

    def _ask(self, question: Question, by_name: bool) -> Calibration | None:
        """A new calibration, or the one under way."""
        try:
            made = calibrating.ask(question)
        except WrongState as error:
            under_way = question.calibrations.filter(status__in=OPEN).first()
            if under_way is None and by_name:
                raise CommandError(f"{question.code}: {error}") from error
            self.stdout.write(f"{question.code}: {error}")
            return under_way
        tasks.nudge_calibration(made)
        self.stdout.write(f"{question.code}: calibration {made.pk} waits for a worker")
        return made

    def _follow(self, calibration: Calibration, promote: bool) -> bool:
        """Until it is fitted or has failed; whether it is fitted."""
        began = time.monotonic()
        while True:
            calibration.refresh_from_db()
            self._progress(calibration, time.monotonic() - began)
            if calibration.status not in OPEN:
                break
            time.sleep(LOOK_SECONDS)
        if self.stdout.isatty():
            self.stdout.write("")
        if calibration.status == Calibration.Status.FAILED:
            self.stderr.write(f"{calibration.question.code}: {calibration.reason}")
            return False
        self._tell(calibration, promote)
        return True

    def _progress(self, calibration: Calibration, seconds: float) -> None:
        filled = round(40 * calibration.fraction)
        bar = "#" * filled + "." * (40 - filled)
        stage = calibration.stage or calibration.status
        line = f"{calibration.question.code} [{bar}] {stage} {seconds:.0f} s"
        if self.stdout.isatty():
            self.stdout.write(f"\r{line:<79}", ending="")
        elif calibration.status not in OPEN:
            self.stdout.write(line)
        self.stdout.flush()

    def _tell(self, calibration: Calibration, promote: bool) -> None:
        """What it reaches, and whether it marks from now on."""
        measured = calibration.metrics
        kappa = measured["kappa"]
        self.stdout.write(
            f"{calibration.question.code}: {measured['examples']} texts,"
            f" QWK {'-' if kappa is None else format(kappa, '.3f')},"
            f" exact {measured['exact']:.1%}, within a step {measured['adjacent']:.1%},"
            f" MAE {measured['mae']:.2f}, calibration error {measured['calibration_error']:.3f}"
        )
        in_use = Question.objects.filter(calibration=calibration).exists()
        if not in_use and promote:
            promoting.promote(calibration, kind=Promotion.Kind.MANUAL)
            tasks.nudge([calibration.question_id])
            in_use = True
        told = "marks the question from now on" if in_use else "is no better, and was not promoted"
        self.stdout.write(f"{calibration.question.code}: calibration {calibration.pk} {told}")


def _questions(exam: str, codes: Sequence[str]) -> list[Question]:
    found = Exam.objects.filter(code=exam).first()
    if found is None:
        raise CommandError(f"there is no exam {exam}")
    questions = {one.code: one for one in found.questions.select_related("exam")}
    if missing := [code for code in codes if code not in questions]:
        raise CommandError(f"{exam} has no question {', '.join(missing)}")
    return [questions[code] for code in codes] if codes else list(questions.values())
