"""Take back the marks that a file brought, and bring them back.

Marks are only added: taking back adds a withdrawal of each mark, bringing back adds each mark anew.
"""

from datetime import timedelta

from scoring.intake import mark_storing
from scoring.marks import settlement
from scoring.models import Answer, Mark, Upload, locks
from scoring.models.marks import MarkQuerySet

CLOCKS = timedelta(days=1)
"""How far the clocks of two machines may be apart."""


def brought(upload: Upload) -> MarkQuerySet:
    """The marks of the file that stand."""
    return _marks(upload).filter(answer__counts=True).standing()


def _marks(upload: Upload) -> MarkQuerySet:
    # By the index of people's marks, whose key is their time: `from_upload` has none of its own.
    since = upload.created_at - CLOCKS
    return Mark.objects.by_people().filter(from_upload=upload.pk, created_at__gte=since)


def take_back(upload: Upload) -> None:
    """Withdraw them. Needs a transaction that has locked their answers (`lock`)."""
    marks = list(brought(upload).order_by("pk"))
    mark_storing.withdraw(marks, upload)
    settlement.settle({mark.answer_id for mark in marks})


def lock(upload: Upload) -> None:
    """Lock the answers that the file marked, so that what stands of them stays."""
    keys = set(_marks(upload).order_by().values_list("answer", flat=True))
    locks.lock_answers(Answer.objects.filter(pk__in=keys))


def bring_back(upload: Upload) -> tuple[int, int]:
    """Add what was taken back anew, except where the source has another mark by now.

    Returns how many marks were taken back, and how many of them stay so. Needs what `take_back`
    needs.
    """
    withdrawn = _marks(upload).filter(mark__from_upload=upload.pk)
    newest = {
        (mark.answer_id, mark.source, mark.origin): mark
        for mark in withdrawn.filter(answer__counts=True).order_by("pk")
    }
    marks = Mark.objects.filter(answer__in={answer for answer, _source, _origin in newest})
    standing = {
        (mark.answer_id, mark.source, mark.giver)
        for mark in marks.by_people().standing().select_related("marker")
    }
    again = [_anew(mark) for giver, mark in newest.items() if giver not in standing]
    Mark.objects.bulk_create(again)
    settlement.settle({mark.answer_id for mark in again})
    return len(newest), len(newest) - len(again)


def _anew(mark: Mark) -> Mark:
    names = "answer_id source origin points criteria comment definition text_key from_upload"
    return Mark(**{name: getattr(mark, name) for name in names.split()})
