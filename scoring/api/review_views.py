"""Marking by people: leasing answers, withdrawing marks, adjudicating disputes, workload."""

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from pmscoring.base.api.representations import moment
from pmscoring.base.api.schema import CODE, JSON, call, query, request_example, response_example
from pmscoring.base.api.shapes import shape
from pmscoring.base.api.views import View, as_object, parameter
from pmscoring.base.audit import record
from pmscoring.base.faults import Invalid, fault
from pmscoring.base.roles import ADJUDICATOR, MANAGER, MARKER, has_role, signed_in
from scoring.api import examples
from scoring.api import representations as show
from scoring.api import review_shapes as shapes
from scoring.api.base import EXAM_CODE
from scoring.api.marking_views import GivenMark
from scoring.marks import visibility
from scoring.models import Answer, Exam, Lease, Mark, Question, ReferenceMark
from scoring.review import pass_line, queue, references
from scoring.review.progress import marking_progress
from scoring.review.workload import workload

KINDS = ("answer", "dispute")
ANSWERS = Answer.objects.select_related("question__exam__policy")


class Next(View):
    """The next answer to mark."""

    writers = (MARKER, ADJUDICATOR, MANAGER)

    @call(
        "review_next",
        "review",
        {200: shapes.Claimed, 204: None},
        parameters=[
            query("exam", CODE, "The exam's code.", required=True),
            query("question", CODE, "The code of a question, to get only answers to it."),
            query(
                "kind",
                {"enum": list(KINDS), "default": KINDS[0]},
                "Only adjudicators and exam managers get disputes.",
            ),
        ],
        examples=[response_example("One", examples.ANSWER_TO_MARK)],
        problems=[404, 409, 422],
    )
    def post(self, request: Request) -> Response:
        """Lease the next answer to mark.

        A caller who has an answer under a lease already gets that answer, and the lease is renewed.
        The status is 204 where no answer is left. A marker who must qualify first gets reference
        answers; the status is 403 where the exam has none, and for a suspended marker.
        """
        user = signed_in(request.user)
        exam = get_object_or_404(
            Exam.objects.select_related("policy"), code=parameter(request, "exam")
        )
        question = self._question(request, exam)
        lease = self._lease(request, user, exam, question)
        if lease is None:
            return Response(status=204)
        record("read", user, answer=lease.answer_id)
        response: shapes.Claimed = {
            "answer": self._to_mark(lease, user),
            "progress": shapes.progress(marking_progress(exam, user, question)),
        }
        return Response(response)

    def _question(self, request: Request, exam: Exam) -> Question | None:
        code = parameter(request, "question")
        return get_object_or_404(Question, exam=exam, code=code) if code else None

    def _lease(
        self, request: Request, user: User, exam: Exam, question: Question | None
    ) -> Lease | None:
        kind = parameter(request, "kind") or KINDS[0]
        if kind not in KINDS:
            raise Invalid([fault("/kind", _("one of %s is expected") % ", ".join(KINDS))])
        if kind == KINDS[0]:
            return queue.next_answer(exam, user, question)
        if not has_role(user, ADJUDICATOR, MANAGER):
            raise PermissionDenied
        return queue.next_dispute(exam, user)

    def _to_mark(self, lease: Lease, user: User) -> shapes.ToMark:
        answer = ANSWERS.select_related("question__calibration").get(pk=lease.answer_id)
        return {
            "id": answer.pk,
            "exam": answer.question.exam.code,
            "question": answer.question.code,
            "text": answer.text,
            "expires_at": moment(lease.expires_at),
            "qualifying": references.is_qualifying(lease),
            "machine": shapes.hint(answer),
            "marks": [
                show.mark(mark)
                for mark in visibility.visible_marks(answer, user)
                if mark.source != Mark.Source.MACHINE
            ],
        }


class Release(View):
    """Giving a lease back."""

    writers = (MARKER, ADJUDICATOR, MANAGER)

    @call("review_release", "review", {204: None}, problems=[409])
    def post(self, request: Request, pk: int) -> Response:
        """Give back an answer that the caller has under a lease.

        The status is 409 where the caller has no lease on it.
        """
        queue.release(get_object_or_404(ANSWERS, pk=pk), signed_in(request.user))
        return Response(status=204)


class Adjudication(View):
    """Adjudicating a dispute."""

    writers = (ADJUDICATOR, MANAGER)

    @call(
        "adjudications_create",
        "review",
        {201: show.Mark},
        takes={JSON: shape(GivenMark)},
        examples=[
            request_example("As a whole", {"points": 3}),
            response_example("Given", examples.ADJUDICATED, 201),
        ],
        problems=[409],
    )
    def post(self, request: Request, pk: int) -> Response:
        """Give the mark that closes a dispute.

        The status is 409 where people have not marked the answer, the caller is one of its markers,
        or another adjudicator has it under a lease.
        """
        answer = get_object_or_404(ANSWERS, pk=pk)
        mark = queue.adjudicate(answer, signed_in(request.user), as_object(request.data))
        return Response(show.mark(mark), 201)


class Withdrawal(View):
    """Withdrawing a mark."""

    writers = (MARKER, ADJUDICATOR, MANAGER)

    @call("withdrawals_create", "review", {204: None}, problems=[409])
    def post(self, request: Request, pk: int) -> Response:
        """Withdraw a mark: it is kept, but counts no more.

        The caller gets a lease on the answer again, unless somebody else has one. Exam managers may
        withdraw the marks of others too.
        """
        user = signed_in(request.user)
        hidden = ReferenceMark.objects.filter(pk=pk, marker=user).first()
        mark = hidden or get_object_or_404(Mark.objects.select_related("answer"), pk=pk)
        queue.withdraw(mark, user, anyone=has_role(user, MANAGER))
        return Response(status=204)


class PassLine(View):
    """Another reading of answers near the pass line."""

    @call(
        "pass_line",
        "review",
        {200: shapes.Queued},
        parameters=[EXAM_CODE],
        examples=[response_example("Twelve", {"queued": 12})],
        problems=[409],
    )
    def post(self, request: Request, code: str) -> Response:
        """Ask for one more reading of the answers of candidates near the pass line."""
        exam = get_object_or_404(Exam.objects.select_related("policy"), code=code)
        return Response(shapes.Queued(queued=pass_line.reread_near_pass_line(exam)))


class WorkloadList(View):
    """Each marker's work in an exam."""

    readers = (MANAGER,)

    @call(
        "workload",
        "review",
        {200: shapes.Workloads},
        parameters=[EXAM_CODE],
        examples=[response_example("One", {"markers": [examples.WORKLOAD]})],
    )
    def get(self, request: Request, code: str) -> Response:
        """Read each marker's marks, speed, and agreement with others and with references."""
        exam = get_object_or_404(Exam.objects.select_related("policy"), code=code)
        return Response({"markers": [shapes.workload(work) for work in workload(exam)]})
