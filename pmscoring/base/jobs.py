"""Work that waits in a row until a worker takes it up: claimed, kept alive, finished or swept.

Three races, and why each is safe:

1. Two workers claim one job. Each claims by one UPDATE of a row that is waiting. The second UPDATE
   waits for the first to commit and then matches no row: WrongState.
2. The sweep frees a job whose worker is only slow. `claimed_at` is the time of the claim and moves
   with each heartbeat; the sweep takes rows whose time is long past and passes over those that are
   locked, as a row is from the heartbeat with which its worker begins to write the outcome.
3. The slow worker still writes. All its UPDATEs filter by its own `claimed_at`, which is NULL or
   another worker's by now: WrongState, which rolls the transaction of the outcome back.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self, TypeVar

from django.db import models, transaction
from django.db.models import F
from django.utils import translation
from django.utils.functional import Promise
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pmscoring.base.lifecycle import Lifecycle, WrongState
from pmscoring.base.strict_json import storable

LONGEST_REASON = 500
Row = TypeVar("Row", bound="Job")


class JobQuerySet(models.QuerySet[Row]):
    """Jobs by what is to be done with them."""

    def waiting(self) -> Self:
        """To be taken up by a worker."""
        return self.filter(status=self.model.WAITING)

    def unfinished(self) -> Self:
        """Waiting, or a worker has them."""
        return self.filter(status__in=self.model.unfinished_states())

    def stalled(self, after: timedelta, at: datetime | None = None) -> Self:
        """Claimed by a worker that has since gone quiet for longer than `after`."""
        return self.filter(
            status__in=self.model.working_states(), claimed_at__lt=(at or now()) - after
        )

    def release_stalled(self, after: timedelta, at: datetime | None = None) -> int:
        """Put stalled jobs back, or fail them after MOST_TRIES; returns how many there were."""
        with transaction.atomic():
            # PostgreSQL evaluates the condition again on each row that it has locked, so that a
            # heartbeat between the look and the lock is seen.
            jobs = list(self.stalled(after, at).select_for_update(skip_locked=True))
            for job in jobs:
                job.release()
        return len(jobs)


class Job(Lifecycle):
    """A row that a worker works on. Only the worker that has claimed it may write its outcome.

    A model names its own states, and in FLOW the ways between them: WAITING -> WORKING -> DONE,
    FAILED or WAITING again. Work of several stages names the states after WORKING as STEPS; from
    each of them there are the same ways. Reasons are written in the job's `language`, where the
    model has one.
    """

    WAITING: ClassVar[str] = "waiting"
    WORKING: ClassVar[str]
    STEPS: ClassVar[tuple[str, ...]] = ()
    DONE: ClassVar[str]
    FAILED: ClassVar[str]
    MOST_TRIES: ClassVar[int] = 3
    BROKE_OFF: ClassVar[str | Promise] = gettext_lazy("the work broke off %d times")
    """The reason of a job that stalled once too often; where it has a %d, that is its tries."""

    claimed_at = models.DateTimeField(gettext_lazy("claimed at"), null=True, blank=True)
    tries = models.PositiveSmallIntegerField(gettext_lazy("tries"), default=0)
    reason = models.CharField(gettext_lazy("reason"), max_length=LONGEST_REASON, blank=True)

    class Meta:
        abstract = True

    def claim(self, **changes: Any) -> None:
        """Claim the waiting job for this worker; WrongState where it is no longer waiting."""
        self.become(self.WORKING, claimed_at=now(), tries=F("tries") + 1, **changes)

    def beat(self, **changes: Any) -> None:
        """Heartbeat, with the progress in `changes`; WrongState where another worker has the job.

        In a transaction the row stays locked until the end, and so cannot stall meanwhile.
        """
        changes |= {"claimed_at": now()}
        if not self._mine().update(**changes):
            raise self._lost()
        for name, value in changes.items():
            setattr(self, name, value)

    def step(self, status: str, **changes: Any) -> None:
        """Heartbeat and the next state of STEPS; WrongState where another worker has the job."""
        if status not in self.STEPS:
            raise ValueError(f"{status} is no step of {type(self).__name__}")
        self.beat(status=status, **changes)

    def finish(self, **changes: Any) -> None:
        """Write the outcome; WrongState where another worker has the job."""
        self._end(self.DONE, reason="", **changes)

    def fail(self, reason: str) -> None:
        """Give the job up with its reason; WrongState where another worker has the job."""
        self._end(self.FAILED, reason=reason[:LONGEST_REASON])

    def put_back(self, reason: str, *, begun: bool = True) -> None:
        """Let another worker claim it at once; a job that was tried MOST_TRIES times fails.

        A try that could not begin (`begun=False`), for want of a service, does not count. Where
        another worker has the job nothing is changed.
        """
        if begun and self.tries >= self.MOST_TRIES:
            self._mine().update(**self._failure(reason))
            return
        tries = self.tries if begun else self.tries - 1
        self._mine().update(**self._waiting(reason), tries=tries)

    def release(self) -> None:
        """Take the job away from a worker that went quiet; the caller has locked the row."""
        with self.in_its_language():
            if self.tries < self.MOST_TRIES:
                self.become(**self._waiting(_("the worker went quiet")))
            else:
                reason = str(self.BROKE_OFF)
                self.become(**self._failure(reason % self.tries if "%d" in reason else reason))

    @contextmanager
    def all_or_none(self) -> Iterator[None]:
        """A transaction that also restores this object's attributes when it is rolled back.

        The worker then still knows its claim, and can put the job back or fail it.
        """
        before = dict(vars(self))
        try:
            with transaction.atomic():
                yield
        except BaseException:
            vars(self).update(before)
            raise

    def in_its_language(self) -> AbstractContextManager[None]:
        """A context in which messages are translated to the language of the job's requester."""
        language: str = getattr(self, "language", "")
        return translation.override(language) if language else nullcontext()

    @classmethod
    def working_states(cls) -> tuple[str, ...]:
        """The states in which a worker has the job."""
        return (cls.WORKING, *cls.STEPS)

    @classmethod
    def unfinished_states(cls) -> tuple[str, ...]:
        """The states from which a worker may still finish the job."""
        return (cls.WAITING, *cls.working_states())

    def at_end(self) -> dict[str, Any]:
        """Columns written when the job ends, done or failed; models add their own."""
        return {"claimed_at": None}

    def _mine(self) -> "models.QuerySet[Self]":
        """The row, while this worker has the claim."""
        rows: models.QuerySet[Self] = type(self)._default_manager.filter(pk=self.pk)
        return rows.filter(status__in=self.working_states(), claimed_at=self.claimed_at)

    def _end(self, status: str, **changes: Any) -> None:
        # Reasons may quote what was sent, of which PostgreSQL refuses some characters.
        changes = {name: storable(value) for name, value in (changes | self.at_end()).items()}
        if not self._mine().update(status=status, **changes):
            raise self._lost()
        self.refresh_from_db(fields=["status", *changes])

    def _lost(self) -> WrongState:
        return WrongState(_("another worker has %s") % self)

    def _waiting(self, reason: str) -> dict[str, Any]:
        return {
            "status": self.WAITING,
            "claimed_at": None,
            "reason": reason[:LONGEST_REASON],
        }

    def _failure(self, reason: str) -> dict[str, Any]:
        return {"status": self.FAILED, "reason": reason[:LONGEST_REASON], **self.at_end()}
