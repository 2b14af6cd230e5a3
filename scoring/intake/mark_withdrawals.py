"""Take back the marks that a file brought, and bring them back.

Marks are only added: taking back adds a withdrawal of each mark, bringing back adds each mark anew.
What the file had replaced stands again while the file is withdrawn, and is replaced again with it.
"""

from collections.abc import Collection, Iterator
from datetime import timedelta

from scoring.intake import mark_storing
from scoring.intake.mark_storing import Giver
from scoring.marks import settlement
from scoring.models import Answer, Exam, Mark, Upload, Withdrawal, locks
from scoring.models.marks import MarkQuerySet

CLOCKS = timedelta(days=1)
"""How far the clocks of two machines may be apart."""
CONTENT = ("points", "criteria", "comment", "from_upload")
COLUMNS = (
    *("answer_id", "source", "marker_id", "origin", "definition", "text_key"),
    *("from_group", "seconds", *CONTENT),
)


def brought(upload: Upload) -> MarkQuerySet:
    """The marks of the file that stand, of answers that count."""
    return _marks(upload).filter(answer__counts=True).standing()


def _marks(upload: Upload) -> MarkQuerySet:
    # By the index of people's marks, whose key is their time: `from_upload` has none of its own.
    since = upload.created_at - CLOCKS
    return Mark.objects.by_people().filter(from_upload=upload.pk, created_at__gte=since)


def take_back(upload: Upload) -> None:
    """Withdraw them, and let stand again what they had replaced.

    Needs a transaction that has written the withdrawal and locked the answers (`lock`).
    """
    # Of answers that were replaced or withdrawn, too: these may count again.
    marks = list(_marks(upload).standing().order_by("pk"))
    mark_storing.withdraw(marks, upload)
    keys = {mark.answer_id for mark in marks}
    Mark.objects.bulk_create(map(_anew, _no_longer_replaced(upload.exam, keys)))
    settlement.settle(keys)


def lock(upload: Upload) -> None:
    """Lock the answers that the file marked, so that what stands of them stays."""
    keys = set(_marks(upload).order_by().values_list("answer", flat=True))
    locks.lock_answers(Answer.everything.filter(pk__in=keys))


def bring_back(upload: Upload) -> tuple[int, int]:
    """Add what was taken back anew, except where the source has another mark by now.

    Returns how many marks were taken back, and how many of them stay so. Needs what `take_back`
    needs.
    """
    withdrawn = _newest(_marks(upload).filter(mark__from_upload=upload.pk))
    marks = Mark.objects.by_people().filter(answer__in={giver.answer for giver in withdrawn})
    standing = _newest(marks.standing())
    replaced = _newest(marks.filter(mark__from_upload=upload.pk).exclude(from_upload=upload.pk))
    replacing = {
        giver: mark for giver, mark in standing.items() if _is_anew(mark, replaced.get(giver))
    }
    mark_storing.withdraw(replacing.values(), upload)
    in_the_way = standing.keys() - replacing.keys()
    again = [_anew(mark) for giver, mark in withdrawn.items() if giver not in in_the_way]
    Mark.objects.bulk_create(again)
    settlement.settle({mark.answer_id for mark in again})
    return len(withdrawn), len(withdrawn) - len(again)


def _no_longer_replaced(exam: Exam, answers: Collection[int]) -> Iterator[Mark]:
    """Of these answers the marks that only withdrawn files had replaced."""
    # Several files may have replaced a mark, one after the other, and be withdrawn in any order.
    # What stands is the giver's newest mark but for those of withdrawn files.
    rows = Withdrawal.objects.filter(exam=exam, kind=Withdrawal.Kind.MARKS, restored_at=None)
    withdrawn = set(rows.values_list("subject", flat=True))
    marks = Mark.objects.by_people().filter(answer__in=answers).exclude(from_upload__in=withdrawn)
    for mark in _newest(marks.select_related("mark")).values():
        withdrawal = getattr(mark, "mark", None)
        if withdrawal and withdrawal.from_upload in withdrawn:
            yield mark


def _newest(marks: MarkQuerySet) -> dict[Giver, Mark]:
    """Of each giver the newest of these marks."""
    rows = marks.select_related("marker").order_by("pk")
    return {Giver(mark.answer_id, mark.source, mark.giver): mark for mark in rows}


def _is_anew(mark: Mark, replaced: Mark | None) -> bool:
    """Whether the mark is the replaced one, which a withdrawal has let stand again."""
    return replaced is not None and all(
        getattr(mark, name) == getattr(replaced, name) for name in CONTENT
    )


def _anew(mark: Mark) -> Mark:
    return Mark(**{name: getattr(mark, name) for name in COLUMNS})
