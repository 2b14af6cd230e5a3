"""Exams and their definitions."""

from typing import cast

from django.contrib.auth.models import User
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from pmscoring.base.api.parsers import StrictJSONParser
from pmscoring.base.api.schema import JSON, call, query, request_example, response_example
from pmscoring.base.api.shapes import ref
from pmscoring.base.api.views import PAGE_PARAMETERS, View, as_object
from pmscoring.base.faults import Invalid, fault
from pmscoring.base.roles import ADJUDICATOR, MARKER
from pmscoring.base.strict_json import refused_texts
from scoring.api import examples
from scoring.api import representations as show
from scoring.api.authentication import READERS
from scoring.api.base import EXAM_CODE
from scoring.api.parsers import YAMLParser
from scoring.exams import definitions
from scoring.models.people import readable_exams
from scoring.tasks import nudge

DEFINITION = ref("ExamDefinition")
YAML = YAMLParser.media_type


class ExamList(View):
    """All exams."""

    readers = (*READERS, MARKER, ADJUDICATOR)

    @call("exams_list", "exams", {200: show.ExamPage}, parameters=PAGE_PARAMETERS, problems=[404])
    def get(self, request: Request) -> Response:
        """List exams; markers see those alone of which a question is theirs to mark."""
        return self.paged(request, readable_exams(request.user), show.exam)


class ExamDetail(View):
    """One exam's definition."""

    readers = (*READERS, MARKER, ADJUDICATOR)
    parser_classes = [StrictJSONParser, YAMLParser]

    @call("exams_read", "exams", {200: DEFINITION}, parameters=[EXAM_CODE])
    def get(self, request: Request, code: str) -> Response:
        """Read an exam's definition.

        Writing the same definition back changes nothing.
        """
        exams = readable_exams(request.user)
        return Response(definitions.describe(get_object_or_404(exams, code=code)))

    @call(
        "exams_write",
        "exams",
        {200: DEFINITION, 201: DEFINITION},
        takes={JSON: DEFINITION, YAML: DEFINITION},
        parameters=[
            query("force", {"type": "boolean"}, "Also if marks by people become void."),
            query(
                "unfinished",
                {"type": "string"},
                "The exam's code, to fix its results although disputes, unread answers or"
                " candidates without a total are left.",
            ),
            query(
                "deletes",
                {"type": "integer", "minimum": 0, "maximum": 999_999_999},
                "How many answers are deleted, where their date is past or within a week.",
            ),
        ],
        examples=[
            request_example("One question", examples.EXAM),
            request_example("The same in YAML", examples.EXAM_YAML, YAML),
            response_example("Created", examples.EXAM, 201),
        ],
        problems=[409],
    )
    def put(self, request: Request, code: str) -> Response:
        """Create an exam with all its questions, or update it.

        The status is 201 for a new exam and 200 for one that exists. Sending the same definition
        again changes nothing.

        Fixing the results answers 409 while something is unfinished, with a count of each in
        `errors`, unless `unfinished` confirms it.
        """
        definition = as_object(request.data)
        if faults := list(refused_texts(definition)):
            raise Invalid(faults)
        if definition.get("code") != code:
            raise Invalid([fault("/code", _("the address says %s") % code)])
        asked = request.query_params
        exam, created = definitions.load(
            definition,
            asked.get("force") == "true",
            by=cast(User, request.user),
            unfinished=asked.get("unfinished", ""),
            deletes=int(asked["deletes"]) if asked.get("deletes") else None,
        )
        nudge(exam.questions.values_list("pk", flat=True))
        return Response(definitions.describe(exam), 201 if created else 200)
