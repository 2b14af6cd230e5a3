"""`manage.py calibrate`: fit questions to marks by people, and follow the worker that does it."""

import time
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pmscoring.base.lifecycle import WrongState
from pmscoring.base.progress import ProgressBar
from scoring import tasks
from scoring.calibration import fitting, general, promotion
from scoring.models import Calibration, Exam, Promotion, Question

LOOK_SECONDS = 0.5
OPEN = (Calibration.Status.WAITING, Calibration.Status.FITTING)
GENERAL = "general"


class Command(BaseCommand):
    """Asks, as the admin and REST do; a worker fits."""

    help = (
        "Calibrate an exam's questions from marks by people, or with --general one calibration"
        " for all questions that have none of their own; a worker fits them"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """An exam, and which of its questions; or neither."""
        parser.add_argument("exam", nargs="?", help="code of the exam")
        parser.add_argument("question", nargs="*", help="codes of questions; all without any")
        parser.add_argument(
            "--general",
            action="store_true",
            help="from the marks of all exams, for questions without a calibration",
        )
        parser.add_argument(
            "--roll-back",
            action="store_true",
            help="with --general: go back to the general calibration before, or to none",
        )
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
        if options["general"] == bool(options["exam"]):
            raise CommandError("name an exam, or give --general")
        if options["roll_back"]:
            self._roll_back(options["general"])
            return
        open_fits = [one for one in self._asked(options) if one]
        if not open_fits:
            raise CommandError("there is nothing to calibrate")
        if not (options["wait"] or options["promote"]):
            return
        failed = [one for one in open_fits if not self._follow(one, options["promote"])]
        if failed:
            raise CommandError(f"{len(failed)} of {len(open_fits)} failed")

    def _asked(self, options: dict[str, Any]) -> Sequence[Calibration | None]:
        if options["general"]:
            return [self._ask(None, True)]
        questions = _questions(options["exam"], options["question"])
        return [self._ask(question, bool(options["question"])) for question in questions]

    def _ask(self, question: Question | None, by_name: bool) -> Calibration | None:
        """A new calibration, or the one under way; a general one without a question."""
        name = question.code if question else GENERAL
        try:
            made = fitting.request(question) if question else general.request()
        except WrongState as error:
            known = Calibration.objects.filter(question=question, status__in=OPEN)
            under_way = known.first()
            if under_way is None and by_name:
                raise CommandError(f"{name}: {error}") from error
            self.stdout.write(f"{name}: {error}")
            return under_way
        tasks.nudge_calibration(made)
        self.stdout.write(f"{name}: calibration {made.pk} waits for a worker")
        return made

    def _roll_back(self, is_general: bool) -> None:
        if not is_general:
            raise CommandError("a question's calibration is rolled back in the admin or by REST")
        try:
            tasks.nudge(general.roll_back())
        except WrongState as error:
            raise CommandError(str(error)) from error
        present = promotion.general()
        told = f"calibration {present.pk}" if present else "the uncalibrated method"
        self.stdout.write(f"{GENERAL}: {told} marks questions without their own from now on")

    def _follow(self, calibration: Calibration, promote: bool) -> bool:
        """Until it is fitted or has failed; whether it is fitted."""
        bar = ProgressBar(self.stdout, _name(calibration))
        while True:
            calibration.refresh_from_db()
            is_over = calibration.status not in OPEN
            bar.show(calibration.fraction, calibration.stage or calibration.status, done=is_over)
            if is_over:
                break
            time.sleep(LOOK_SECONDS)
        if calibration.status == Calibration.Status.FAILED:
            self.stderr.write(f"{_name(calibration)}: {calibration.reason}")
            return False
        self.stdout.write(f"{_name(calibration)}: {_measured(calibration.metrics)}")
        self._tell_use(calibration, promote)
        return True

    def _tell_use(self, calibration: Calibration, promote: bool) -> None:
        """Whether it marks from now on."""
        in_use = _is_in_use(calibration)
        if not in_use and promote:
            tasks.nudge(_promoted(calibration))
            in_use = True
        what = "questions without their own" if calibration.is_general else "the question"
        told = f"marks {what} from now on" if in_use else "is no better, and was not promoted"
        self.stdout.write(f"{_name(calibration)}: calibration {calibration.pk} {told}")


def _name(calibration: Calibration) -> str:
    return calibration.question.code if calibration.question else GENERAL


def _is_in_use(calibration: Calibration) -> bool:
    if calibration.is_general:
        return promotion.general() == calibration
    return Question.objects.filter(calibration=calibration).exists()


def _promoted(calibration: Calibration) -> Sequence[int]:
    """Put to use; the questions whose answers wait."""
    if calibration.is_general:
        return general.promote(calibration)
    promotion.promote(calibration, kind=Promotion.Kind.MANUAL)
    return [calibration.own.pk]


def _measured(measured: dict[str, Any]) -> str:
    """What it reaches, in a line."""
    if "uncalibrated" in measured:
        return (
            f"{measured['examples']} texts of {measured['questions']} questions;"
            f" {_carried(measured)}; uncalibrated {_carried(measured['uncalibrated'])}"
        )
    kappa = measured["kappa"]
    return (
        f"{measured['examples']} texts,"
        f" QWK {'-' if kappa is None else format(kappa, '.3f')},"
        f" exact {measured['exact']:.1%}, within a step {measured['adjacent']:.1%},"
        f" MAE {measured['mae']:.2f}, calibration error {measured['calibration_error']:.3f}"
    )


def _carried(measured: dict[str, Any]) -> str:
    """Of questions left out."""
    told = f"r {'-' if measured['r'] is None else format(measured['r'], '.3f')}"
    told += f", RMSE {measured['rmse']:.3f} of the points, exact {measured['exact']:.1%}"
    right = measured["accuracy"]
    return told if right is None else f"{told}, accuracy {right:.1%}"


def _questions(exam: str, codes: Sequence[str]) -> list[Question]:
    found = Exam.objects.filter(code=exam).first()
    if found is None:
        raise CommandError(f"there is no exam {exam}")
    questions = {one.code: one for one in found.questions.select_related("exam")}
    if missing := [code for code in codes if code not in questions]:
        raise CommandError(f"{exam} has no question {', '.join(missing)}")
    return [questions[code] for code in codes] if codes else list(questions.values())
