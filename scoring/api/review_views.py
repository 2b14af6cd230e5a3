"""Marking by people: the next answer, its mark, the mark's withdrawal, the settling of disputes."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from pmscoring.base.api.schema import CODE, JSON, asks, call, query, tells
from pmscoring.base.api.shapes import shape
from pmscoring.base.api.views import View, as_object, asked
from pmscoring.base.audit import record
from pmscoring.base.faults import Invalid, fault
from pmscoring.base.roles import ADJUDICATOR, MANAGER, MARKER, has_role
from scoring.api import examples
from scoring.api import representations as show
from scoring.api import review_shapes as tell
from scoring.api.base import EXAM_CODE
from scoring.api.marking_views import GivenMark
from scoring.marks import visibility
from scoring.models import Answer, Exam, Lease, Mark, Question, ReferenceMark
from scoring.review import queue, references

KINDS = ("answer", "dispute")
ANSWERS = Answer.objects.select_related("question__exam__policy")


class Next(View):
    """The next answer to mark."""

    writers = (MARKER, ADJUDICATOR, MANAGER)

    @call(
        "review_next",
        "review",
        {200: tell.Claimed, 204: None},
        parameters=[
            query("exam", CODE, "Its code.", required=True),
            query("question", CODE, "Only answers to it."),
            query("kind", {"enum": list(KINDS), "default": KINDS[0]}, "Disputes: adjudicators."),
        ],
        examples=[tells("One", examples.TO_MARK)],
        problems=[404, 409, 422],
    )
    def post(self, request: Request) -> Response:
        """Take the next answer to mark in hand, for as long as the exam's leases last.

        Who asks again is given the answer that is theirs already. 204 where none is left. A marker
        who must qualify first is given reference answers; without any, and when suspended, 403.
        """
        exam = get_object_or_404(Exam.objects.select_related("policy"), code=asked(request, "exam"))
        question = self._question(request, exam)
        lease = self._lease(request, exam, question)
        if lease is None:
            return Response(status=204)
        record("read", request.user, answer=lease.answer_id)
        told: tell.Claimed = {
            "answer": self._told(lease, request.user),
            "progress": tell.progress(queue.progress(exam, request.user, question)),
        }
        return Response(told)

    def _question(self, request: Request, exam: Exam) -> Question | None:
        code = asked(request, "question")
        return get_object_or_404(Question, exam=exam, code=code) if code else None

    def _lease(self, request: Request, exam: Exam, question: Question | None) -> Lease | None:
        kind = asked(request, "kind") or KINDS[0]
        if kind not in KINDS:
            raise Invalid([fault("/kind", f"one of {', '.join(KINDS)} is expected")])
        if kind == KINDS[0]:
            return queue.next_answer(exam, request.user, question)
        if not has_role(request.user, ADJUDICATOR, MANAGER):
            raise PermissionDenied
        return queue.next_dispute(exam, request.user)

    def _told(self, lease: Lease, user: Any) -> tell.ToMark:
        answer = ANSWERS.select_related("question__calibration").get(pk=lease.answer_id)
        return {
            "id": answer.pk,
            "exam": answer.question.exam.code,
            "question": answer.question.code,
            "text": answer.text,
            "expires_at": show.moment(lease.expires_at),
            "qualifying": references.is_qualifying(lease),
            "machine": tell.hint(answer),
            "marks": [
                show.mark(one)
                for one in visibility.visible_marks(answer, user)
                if one.source != Mark.Source.MACHINE
            ],
        }


class Release(View):
    """Giving back."""

    writers = (MARKER, ADJUDICATOR, MANAGER)

    @call("review_release", "review", {204: None}, problems=[409])
    def post(self, request: Request, pk: int) -> Response:
        """Give back an answer that is in your hands; 409 where it is not."""
        queue.release(get_object_or_404(ANSWERS, pk=pk), request.user)
        return Response(status=204)


class Adjudication(View):
    """Settling a dispute."""

    writers = (ADJUDICATOR, MANAGER)

    @call(
        "adjudications_create",
        "review",
        {201: show.Mark},
        takes={JSON: shape(GivenMark)},
        examples=[asks("As a whole", {"points": 3}), tells("Given", examples.ADJUDICATED, 201)],
        problems=[409],
    )
    def post(self, request: Request, pk: int) -> Response:
        """Give the mark that closes a dispute.

        409 where people have not marked the answer, or the caller is one of its markers.
        """
        answer = get_object_or_404(ANSWERS, pk=pk)
        mark = queue.adjudicate(answer, request.user, as_object(request.data))
        return Response(show.mark(mark), 201)


class Withdrawal(View):
    """Undoing."""

    writers = (MARKER, ADJUDICATOR, MANAGER)

    @call("withdrawals_create", "review", {204: None}, problems=[409])
    def post(self, request: Request, pk: int) -> Response:
        """Withdraw a mark: it is kept, and counts no more.

        The answer is in the caller's hands again where nobody else has taken it. Exam managers may
        withdraw anyone's.
        """
        hidden = ReferenceMark.objects.filter(pk=pk, marker=request.user.pk or 0).first()
        found: Any = hidden or get_object_or_404(Mark.objects.select_related("answer"), pk=pk)
        queue.withdraw(found, request.user, anyone=has_role(request.user, MANAGER))
        return Response(status=204)


class PassLine(View):
    """Reading again."""

    @call(
        "pass_line",
        "review",
        {200: tell.Queued},
        parameters=[EXAM_CODE],
        examples=[tells("Twelve", {"queued": 12})],
        problems=[409],
    )
    def post(self, request: Request, code: str) -> Response:
        """Ask for one more reading of the answers of candidates near the pass line."""
        exam = get_object_or_404(Exam.objects.select_related("policy"), code=code)
        return Response(tell.Queued(queued=queue.reread_near_pass_line(exam)))


class WorkloadList(View):
    """Who marked how much."""

    readers = (MANAGER,)

    @call(
        "workload",
        "review",
        {200: tell.Workloads},
        parameters=[EXAM_CODE],
        examples=[tells("One", {"markers": [examples.WORKLOAD]})],
    )
    def get(self, request: Request, code: str) -> Response:
        """Read each marker's marks, speed, and agreement with others and with references."""
        exam = get_object_or_404(Exam.objects.select_related("policy"), code=code)
        return Response({"markers": [tell.workload(one) for one in queue.workload(exam)]})
