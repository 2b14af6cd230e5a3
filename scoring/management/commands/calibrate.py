"""`manage.py calibrate`: requests calibrations, and follows the worker that fits them."""

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

POLL_SECONDS = 0.5
OPEN = (Calibration.Status.WAITING, Calibration.Status.FITTING)
GENERAL = "general"


class Command(BaseCommand):
    """Requests calibrations as the admin and REST do; a worker fits them."""

    help = (
        "Request a calibration, from marks by people, of each question of an exam, or with"
        " --general one calibration for all questions that have none of their own"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("exam", nargs="?", help="code of the exam")
        parser.add_argument("question", nargs="*", help="codes of questions; default: all")
        parser.add_argument(
            "--general",
            action="store_true",
            help="calibrate from the marks of all exams, for questions without a calibration",
        )
        parser.add_argument(
            "--roll-back",
            action="store_true",
            help="with --general: go back to the previous general calibration, or to none",
        )
        parser.add_argument(
            "--wait", action="store_true", help="show progress until all are fitted"
        )
        parser.add_argument(
            "--promote",
            action="store_true",
            help="wait, and use each calibration even if it is no better than the present one",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Raise CommandError where something named cannot be fitted, or where a fit failed."""
        if options["general"] == bool(options["exam"]):
            raise CommandError("name an exam, or give --general")
        if options["roll_back"]:
            self._roll_back(options["general"])
            return
        calibrations = self._request_all(options)
        if not calibrations:
            raise CommandError("there is nothing to calibrate")
        if not (options["wait"] or options["promote"]):
            return
        fitted = [self._follow(calibration, options["promote"]) for calibration in calibrations]
        if not all(fitted):
            raise CommandError(f"{fitted.count(False)} of {len(fitted)} failed")

    def _request_all(self, options: dict[str, Any]) -> list[Calibration]:
        """The open calibrations of everything that the command line names."""
        questions: Sequence[Question | None] = [None]
        if not options["general"]:
            questions = _questions(options["exam"], options["question"])
        is_named = options["general"] or bool(options["question"])
        requested = [self._request(question, is_named) for question in questions]
        return [calibration for calibration in requested if calibration]

    def _request(self, question: Question | None, is_named: bool) -> Calibration | None:
        """A new calibration of the question (a general one for None), or the one under way.

        None where there is neither, which is an error for what was named on the command line.
        """
        name = question.code if question else GENERAL
        try:
            calibration = fitting.request(question) if question else general.request()
        except WrongState as error:
            under_way = Calibration.objects.filter(question=question, status__in=OPEN).first()
            if under_way is None and is_named:
                raise CommandError(f"{name}: {error}") from error
            self.stdout.write(f"{name}: {error}")
            return under_way
        tasks.nudge_calibration(calibration)
        self.stdout.write(f"{name}: calibration {calibration.pk} waits for a worker")
        return calibration

    def _roll_back(self, is_general: bool) -> None:
        if not is_general:
            raise CommandError("a question's calibration is rolled back in the admin or by REST")
        try:
            tasks.nudge(general.roll_back())
        except WrongState as error:
            raise CommandError(str(error)) from error
        active = promotion.general()
        name = f"calibration {active.pk}" if active else "the uncalibrated method"
        self.stdout.write(f"{GENERAL}: {name} now marks the questions without their own")

    def _follow(self, calibration: Calibration, promote: bool) -> bool:
        """Show the progress until the calibration is fitted; False if it failed."""
        bar = ProgressBar(self.stdout, _name(calibration))
        while True:
            calibration.refresh_from_db()
            is_over = calibration.status not in OPEN
            bar.show(calibration.fraction, calibration.stage or calibration.status, done=is_over)
            if is_over:
                break
            time.sleep(POLL_SECONDS)
        if calibration.status == Calibration.Status.FAILED:
            self.stderr.write(f"{_name(calibration)}: {calibration.reason}")
            return False
        self.stdout.write(f"{_name(calibration)}: {_metrics(calibration.metrics)}")
        self._show_use(calibration, promote)
        return True

    def _show_use(self, calibration: Calibration, promote: bool) -> None:
        # The worker writes "ready" and promotes a better calibration in one transaction: one that
        # is ready and not in use was no better, or the exam was fixed meanwhile.
        in_use = _is_in_use(calibration)
        if not in_use and promote:
            tasks.nudge(_promote(calibration))
            in_use = True
        questions = "the questions without their own" if calibration.is_general else "the question"
        outcome = f"now marks {questions}" if in_use else "is no better, and was not promoted"
        self.stdout.write(f"{_name(calibration)}: calibration {calibration.pk} {outcome}")


def _name(calibration: Calibration) -> str:
    return calibration.question.code if calibration.question else GENERAL


def _is_in_use(calibration: Calibration) -> bool:
    if calibration.is_general:
        return promotion.general() == calibration
    return Question.objects.filter(calibration=calibration).exists()


def _promote(calibration: Calibration) -> Sequence[int]:
    """Promote it; the keys of the questions whose answers now wait to be scored."""
    try:
        if calibration.is_general:
            return general.promote(calibration)
        promotion.promote(calibration, kind=Promotion.Kind.MANUAL)
    except WrongState as error:
        raise CommandError(f"{_name(calibration)}: {error}") from error
    return [calibration.own.pk]


def _metrics(metrics: dict[str, Any]) -> str:
    if "uncalibrated" in metrics:
        return (
            f"{metrics['examples']} texts of {metrics['questions']} questions;"
            f" {_held_out(metrics)}; uncalibrated {_held_out(metrics['uncalibrated'])}"
        )
    kappa = metrics["kappa"]
    return (
        f"{metrics['examples']} texts,"
        f" QWK {'-' if kappa is None else format(kappa, '.3f')},"
        f" exact {metrics['exact']:.1%}, within a step {metrics['adjacent']:.1%},"
        f" MAE {metrics['mae']:.2f}, calibration error {metrics['calibration_error']:.3f}"
    )


def _held_out(metrics: dict[str, Any]) -> str:
    """A general calibration's figures, which were measured on held-out questions."""
    text = f"r {'-' if metrics['r'] is None else format(metrics['r'], '.3f')}"
    text += f", RMSE {metrics['rmse']:.3f} of the points, exact {metrics['exact']:.1%}"
    accuracy = metrics["accuracy"]
    return text if accuracy is None else f"{text}, accuracy {accuracy:.1%}"


def _questions(exam_code: str, codes: Sequence[str]) -> list[Question]:
    exam = Exam.objects.filter(code=exam_code).first()
    if exam is None:
        raise CommandError(f"there is no exam {exam_code}")
    questions = {question.code: question for question in exam.questions.select_related("exam")}
    if missing := [code for code in codes if code not in questions]:
        raise CommandError(f"{exam_code} has no question {', '.join(missing)}")
    return [questions[code] for code in codes] if codes else list(questions.values())
