"""Move an exam to another state, and see first what its results would be fixed without."""

from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pmscoring.base import history
from pmscoring.base.faults import Fault, fault
from pmscoring.base.lifecycle import WrongState
from scoring.marks import settlement
from scoring.models import Answer, Exam, Mark
from scoring.results import rows

Review = Answer.Review
UNREAD = (Answer.Status.WAITING, Answer.Status.SCORING, Answer.Status.FAILED)


@dataclass(frozen=True)
class Unfinished:
    """What would stay as it is if the results were fixed now.

    `disputes` and `queued` count answers that people are still to settle or to mark, `unread` those
    without a final mark that the machine has not read, `without_total` the candidates, but for
    absent ones, who would have no total. An answer may be both queued and unread.
    """

    disputes: int
    queued: int
    unread: int
    without_total: int

    def __bool__(self) -> bool:
        return any(asdict(self).values())

    def exceeds(self, shown: "Unfinished") -> bool:
        """Whether anything is more than it was when it was shown."""
        before = asdict(shown)
        return any(count > before[name] for name, count in asdict(self).items())

    @property
    def faults(self) -> list[Fault]:
        """Each count that is not zero, in words."""
        words = {
            "disputes": ngettext(
                "%(count)d dispute is open", "%(count)d disputes are open", self.disputes
            ),
            "queued": ngettext(
                "%(count)d answer is to be marked by people",
                "%(count)d answers are to be marked by people",
                self.queued,
            ),
            "unread": ngettext(
                "%(count)d answer was not read by the machine",
                "%(count)d answers were not read by the machine",
                self.unread,
            ),
            "without_total": ngettext(
                "%(count)d candidate has no total",
                "%(count)d candidates have no total",
                self.without_total,
            ),
        }
        counts = asdict(self)
        return [
            fault(f"/{name}", text % {"count": counts[name]})
            for name, text in words.items()
            if counts[name]
        ]


class StillUnfinished(WrongState):
    """The results are not fixed, for something is unfinished; `faults` has the counts."""

    def __init__(self, exam: Exam, unfinished: Unfinished) -> None:
        self.faults = unfinished.faults
        words = {"exam": exam.code, "counts": "; ".join(f["detail"] for f in self.faults)}
        super().__init__(
            _(
                "The results of %(exam)s are not fixed yet: %(counts)s. To fix them all the same,"
                " confirm it by the exam's code."
            )
            % words
        )


def unfinished(exam: Exam) -> Unfinished:
    """What is unfinished in the exam."""
    answers = Answer.objects.filter(question__exam=exam)
    unread = answers.filter(status__in=UNREAD).exclude(final_source__in=Mark.PEOPLE)
    return Unfinished(
        disputes=answers.filter(review=Review.DISPUTED).count(),
        queued=answers.filter(review__in=(Review.QUEUED, Review.CLAIMED)).count(),
        unread=unread.count(),
        without_total=rows.without_total(exam),
    )


def refusal(exam: Exam, state: str) -> str:
    """Why the exam cannot move to the state at all now, "" where it can."""
    try:
        settlement.refuse_move(exam, state)
    except WrongState as error:
        return str(error)
    return ""


def become(
    exam: Exam,
    state: str,
    *,
    by: User | None = None,
    confirmed: str = "",
    shown: Unfinished | None = None,
) -> None:
    """Move the exam to another state, settle its answers, and record who did it.

    `confirmed` is the exam's code where its results are to be fixed although something is
    unfinished; raises StillUnfinished where that is missing, or more is unfinished than was
    `shown`, and otherwise WrongState as `settlement.become` does.
    """
    check = partial(_check_and_record, by=by, confirmed=confirmed, shown=shown)
    settlement.become(exam, state, check)


def _check_and_record(
    exam: Exam, state: str, by: User | None, confirmed: str, shown: Unfinished | None
) -> None:
    # Under the lock of the exam: what is counted here cannot grow before the results are fixed.
    details: dict[str, Any] = {"before": exam.status, "after": str(state)}
    if (exam.status, state) == (Exam.Status.MARKING, Exam.Status.FIXED):
        left = unfinished(exam)
        has_grown = shown is not None and left.exceeds(shown)
        if left and (confirmed != exam.code or has_grown):
            raise StillUnfinished(exam, left)
        details |= asdict(left)
    if by is not None:
        history.record(by, exam, "moved", **details)


def _moved(details: dict[str, Any]) -> str:
    labels = dict(Exam.Status.choices)
    before, after = (str(labels.get(details[side], "")) for side in ("before", "after"))
    sentence = _("State changed from “%(before)s” to “%(after)s”.") % {
        "before": before,
        "after": after,
    }
    names = [name for name in Unfinished.__dataclass_fields__ if details.get(name)]
    if not names:
        return sentence
    left = Unfinished(**{name: details.get(name, 0) for name in Unfinished.__dataclass_fields__})
    counts = "; ".join(fault["detail"] for fault in left.faults)
    return f"{sentence} " + _("Unfinished at that time: %s.") % counts


history.register("moved", _moved)
history.register("loaded", lambda _details: _("Changed by loading a definition."))
