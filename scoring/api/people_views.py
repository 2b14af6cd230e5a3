"""Saved comments, notes on the rubric, and a marker's own marks."""

from collections.abc import Mapping
from itertools import islice
from typing import Annotated, Any, TypedDict

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from pmscoring.base import texts
from pmscoring.base.api.schema import CODE, JSON, call, query, request_example, response_example
from pmscoring.base.api.shapes import shape
from pmscoring.base.api.views import View, as_object, parameter
from pmscoring.base.audit import record
from pmscoring.base.faults import Invalid, fault
from pmscoring.base.roles import ADJUDICATOR, MANAGER, MARKER, signed_in
from scoring.api import people_examples as examples
from scoring.api import people_shapes as shapes
from scoring.api.base import EXAM_CODE
from scoring.models import Answer, Exam, Question, SavedComment
from scoring.models.people import MOST_COMMENT, MOST_NOTE
from scoring.review import comments, notes, own_marks

MARKING = (MARKER, ADJUDICATOR, MANAGER)
MOST_NOTES, MOST_MARKS = 100, 100
LARGEST_KEY = 2**63
BEFORE = {"type": "integer", "minimum": 1, "maximum": LARGEST_KEY - 1}


class NewComment(TypedDict, total=False):
    """A comment to save, for one question or, without it, for the whole exam."""

    text: Annotated[str, {"minLength": 1, "maxLength": MOST_COMMENT}]
    question: str
    shared: bool


class NewNote(TypedDict, total=False):
    """A note on a question, or on one of its criteria, with the answer that gave rise to it."""

    question: str
    criterion: str
    answer: int
    text: Annotated[str, {"minLength": 1, "maxLength": MOST_NOTE}]


class Reply(TypedDict, total=False):
    """A reply, which all markers of the question see, and whether the matter is done."""

    reply: Annotated[str, {"maxLength": MOST_NOTE}]
    done: bool


class CommentList(View):
    """Saved comments of an exam."""

    readers = writers = MARKING

    @call(
        "comments_list",
        "review",
        {200: shapes.SavedComments},
        parameters=[EXAM_CODE, query("question", CODE, "Only those that fit this question.")],
        examples=[response_example("One", {"comments": [examples.SAVED_COMMENT]})],
    )
    def get(self, request: Request, code: str) -> Response:
        """List the caller's saved comments and those that others share."""
        user, exam = signed_in(request.user), get_object_or_404(Exam, code=code)
        question = _question(exam, parameter(request, "question"))
        rows = comments.usable(exam, user, question)
        return Response({"comments": [shapes.comment(row, user) for row in rows]})

    @call(
        "comments_create",
        "review",
        {201: shapes.SavedComment},
        takes={JSON: shape(NewComment)},
        parameters=[EXAM_CODE],
        examples=[
            request_example(
                "Shared", {"text": "結果に触れていない", "question": "Q1", "shared": True}
            ),
            response_example("Saved", examples.SAVED_COMMENT, 201),
        ],
    )
    def post(self, request: Request, code: str) -> Response:
        """Save a comment to use again."""
        user, exam = signed_in(request.user), get_object_or_404(Exam, code=code)
        body = as_object(request.data)
        question = _named_question(exam, body) if "question" in body else None
        is_shared = body.get("shared", False)
        row = comments.save(exam, user, body.get("text"), question, is_shared)
        return Response(shapes.comment(row, user), 201)


class CommentDetail(View):
    """One saved comment."""

    writers = MARKING

    @call("comments_delete", "review", {204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """Delete one of the caller's comments; exam managers delete shared ones too."""
        user = signed_in(request.user)
        usable = SavedComment.objects.usable_by(user)
        comments.delete(get_object_or_404(usable, pk=pk), user)
        return Response(status=204)


class NoteList(View):
    """Notes on the rubrics of an exam."""

    readers = writers = MARKING

    @call(
        "notes_list",
        "review",
        {200: shapes.RubricNotes},
        parameters=[EXAM_CODE],
        examples=[response_example("One", {"notes": [examples.RUBRIC_NOTE]})],
    )
    def get(self, request: Request, code: str) -> Response:
        """List the notes on the exam's rubrics.

        Exam managers see all of them; others their own, and those to their questions that have a
        reply.
        """
        user, exam = signed_in(request.user), get_object_or_404(Exam, code=code)
        rows = notes.visible(user, exam).order_by("-pk")[:MOST_NOTES]
        return Response({"notes": [shapes.note(row, user) for row in rows]})

    @call(
        "notes_create",
        "review",
        {201: shapes.RubricNote},
        takes={JSON: shape(NewNote)},
        parameters=[EXAM_CODE],
        examples=[
            request_example("On a criterion", examples.NEW_NOTE),
            response_example("Written", examples.RUBRIC_NOTE, 201),
        ],
    )
    def post(self, request: Request, code: str) -> Response:
        """Write to the exam managers about a criterion, or about a question as a whole."""
        user, exam = signed_in(request.user), get_object_or_404(Exam, code=code)
        body = as_object(request.data)
        question = _named_question(exam, body)
        criterion, answer = body.get("criterion", ""), _answer(question, body)
        row = notes.write(question, user, body.get("text"), criterion, answer)
        return Response(shapes.note(row, user), 201)


class NoteReply(View):
    """The reply to a note."""

    @call(
        "notes_reply",
        "review",
        {200: shapes.RubricNote},
        takes={JSON: shape(Reply)},
        examples=[
            request_example("Done", {"reply": "認めてください。", "done": True}),
            response_example("Done", {**examples.RUBRIC_NOTE, "status": "done"}),
        ],
    )
    def post(self, request: Request, pk: int) -> Response:
        """Reply to a note, and mark it as done, or open it again."""
        user, body = signed_in(request.user), as_object(request.data)
        row = get_object_or_404(notes.visible(user), pk=pk)
        notes.reply(row, user, body.get("reply", ""), body.get("done", True))
        return Response(shapes.note(notes.visible(user).get(pk=pk), user))


class OwnMarkList(View):
    """What the caller marked."""

    readers = MARKING

    @call(
        "own_marks_list",
        "review",
        {200: shapes.OwnMarks},
        parameters=[
            query("exam", CODE, "The exam's code.", required=True),
            query("question", CODE, "The code of a question, for its marks alone."),
            query("before", BEFORE, "From another response."),
        ],
        examples=[response_example("One", {"marks": [examples.OWN_MARK], "before": None})],
        problems=[404, 422],
    )
    def get(self, request: Request) -> Response:
        """List the caller's marks that stand, the latest first."""
        user = signed_in(request.user)
        exam = get_object_or_404(Exam, code=parameter(request, "exam"))
        question = _question(exam, parameter(request, "question"))
        marks = own_marks.own_marks(exam, user, question, _before(request))
        shown = list(islice(marks, MOST_MARKS + 1))
        rows, more = shown[:MOST_MARKS], shown[MOST_MARKS:]
        record("read", user, answers=[row.answer.pk for row in rows])
        before = rows[-1].key if more else None
        return Response({"marks": [shapes.own_mark(row) for row in rows], "before": before})


def _before(request: Request) -> int | None:
    value = parameter(request, "before")
    return int(value) if value else None


def _question(exam: Exam, code: str) -> Question | None:
    return get_object_or_404(Question, exam=exam, code=code) if code else None


def _named_question(exam: Exam, body: Mapping[str, Any]) -> Question:
    code = body.get("question")
    questions = Question.objects.select_related("exam").filter(exam=exam)
    is_code = isinstance(code, str) and not texts.refused_character(code)
    question = questions.filter(code=code).first() if is_code else None
    if question is None:
        raise Invalid([fault("/question", _("there is no such question in this exam"))])
    return question


def _answer(question: Question, body: Mapping[str, Any]) -> Answer | None:
    key = body.get("answer")
    if key is None:
        return None
    known = type(key) is int and 0 < key < LARGEST_KEY
    answer = Answer.objects.filter(pk=key, question=question).first() if known else None
    if answer is None:
        raise Invalid([fault("/answer", _("there is no such answer to this question"))])
    return answer
