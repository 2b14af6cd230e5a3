"""What a manager does with an exam: change its state, load its definition, upload answers."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _

from pmscoring.base.admin import theme
from pmscoring.base.admin.pages import confirmation, page
from pmscoring.base.audit import record
from pmscoring.base.body_limits import DOCUMENT_BYTES, takes_file
from pmscoring.base.disk import DiskFull
from pmscoring.base.faults import Invalid, fault
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.roles import signed_in
from scoring import tasks
from scoring.admin import definition_files
from scoring.admin.agreement_page import ExamAgreementPage
from scoring.admin.calibration_pages import request_calibrations
from scoring.admin.exam_downloads import SAVED
from scoring.admin.exam_states import ExamStates, to_exam
from scoring.admin.forms import AnswersForm, DefinitionForm, MarksForm
from scoring.documents import BadDocument
from scoring.exams import definitions, samples
from scoring.intake import uploads
from scoring.models import Exam, Question, Upload

manages: Callable[..., Callable[[Any], Any]] = partial(theme.action, permissions=["manage"])


class ExamActions(ExamStates, ExamAgreementPage):
    """The actions of the list of exams, and the buttons of the list and of an exam's page."""

    actions = (*ExamStates.actions, "calibrate")
    actions_list = ("load_definition",)
    actions_detail = (
        "upload_answers",
        "upload_marks",
        "agreement",
        {
            "title": _("Results"),
            "icon": "download",
            "items": SAVED,
        },
        {
            "title": _("Definition"),
            "icon": "description",
            "items": ["export_definition", "load_again"],
        },
    )

    def get_urls(self) -> list[URLPattern]:
        sample = self.admin_site.admin_view(self.sample_view)
        return [path("sample/", sample, name="scoring_exam_sample"), *super().get_urls()]

    def sample_view(self, request: HttpRequest) -> HttpResponse:
        """POST loads the sample exam; GET asks before."""
        if not self.has_manage_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            exam, questions = samples.load(by=signed_in(request.user))
            tasks.nudge(questions)
            message = _("%(exam)s is loaded. The machine marks its answers now.")
            self.message_user(request, message % {"exam": exam})
            return to_exam(exam)
        return confirmation(
            self,
            request,
            str(_("Load the sample exam?")),
            None,
            meaning=str(_("An exam in Japanese with the answers of 60 invented candidates.")),
            back=reverse("admin:index"),
        )

    @admin.action(description=_("Calibrate"), permissions=["manage"])
    def calibrate(self, request: HttpRequest, queryset: Any) -> None:
        """Request a calibration of every question of the selected exams."""
        questions = Question.objects.filter(exam__in=queryset).select_related("exam")
        request_calibrations(self, request, questions)

    @manages(description=_("Load a definition"), icon="upload_file", url_path="load")
    @takes_file(lambda: DOCUMENT_BYTES)
    def load_definition(self, request: HttpRequest) -> HttpResponse:
        """Create or update the exam that the uploaded file describes."""
        return self._load(request, None)

    @manages(description=_("Load a definition"), icon="upload_file", url_path="load")
    @takes_file(lambda: DOCUMENT_BYTES)
    def load_again(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The same, for a file that must describe this exam."""
        return self._load(request, get_object_or_404(Exam, pk=object_id))

    def _load(self, request: HttpRequest, exam: Exam | None) -> HttpResponse:
        form = DefinitionForm(request.POST or None, request.FILES or None)
        context: dict[str, Any] = {"form": form, "verb": _("Load")}
        if form.is_valid():
            try:
                return self._load_file(request, exam, **form.cleaned_data)
            except Invalid as error:
                context["faults"] = error.faults
            except (definitions.Frozen, definitions.WouldInvalidate, WrongState) as error:
                context["refusal"] = str(error)
        title = str(_("Load a definition"))
        return page(self, request, "pmscoring/file_form.html", title, exam, **context)

    def _load_file(
        self, request: HttpRequest, exam: Exam | None, file: "UploadedFile[Any]", force: bool
    ) -> HttpResponse:
        definition = definition_files.read(file.read())
        if exam is not None and definition.get("code") != exam.code:
            detail = _("This page loads definitions of %(code)s only.") % {"code": exam.code}
            raise Invalid([fault("/code", str(detail))])
        loaded, created = definitions.load(definition, force, by=signed_in(request.user))
        tasks.nudge(loaded.questions.values_list("pk", flat=True))
        updated = _("%(exam)s was updated from the definition.")
        message = _("%(exam)s was created.") if created else updated
        self.message_user(request, message % {"exam": loaded})
        return to_exam(loaded)

    @manages(description=_("Upload answers"), icon="upload", url_path="upload")
    @takes_file(lambda: settings.MAX_UPLOAD_BYTES)
    def upload_answers(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Store the uploaded file; a worker looks at it, and its page shows the preview."""
        exam = get_object_or_404(Exam, pk=object_id)
        form = AnswersForm(request.POST or None, request.FILES or None)
        return self._upload(request, exam, form, _("Upload answers"))

    @manages(description=_("Upload marks"), icon="grading", url_path="upload-marks")
    @takes_file(lambda: settings.MAX_UPLOAD_BYTES)
    def upload_marks(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The same for a file of marks that exist already."""
        exam = get_object_or_404(Exam, pk=object_id)
        form = MarksForm(request.POST or None, request.FILES or None)
        return self._upload(request, exam, form, _("Upload marks"), Upload.Kind.MARKS)

    def _upload(
        self,
        request: HttpRequest,
        exam: Exam,
        form: forms.Form,
        title: Any,
        kind: str = Upload.Kind.ANSWERS,
    ) -> HttpResponse:
        if form.is_valid():
            fields = form.cleaned_data
            wanted = uploads.Wanted(
                is_preview=True,
                format=fields.get("format") or Upload.Format.TEXT,
                kind=kind,
                source=fields.get("source", ""),
            )
            try:
                upload = uploads.receive(exam, fields["file"].name or "", fields["file"], wanted)
            except Invalid as error:
                form.add_error("source", error.faults[0]["detail"])
            except (BadDocument, WrongState, DiskFull) as error:
                form.add_error("file", str(error))
            else:
                record(f"uploaded {kind}", request.user, upload=upload.pk)
                tasks.nudge_upload(upload)
                address = reverse("admin:scoring_upload_change", args=[upload.pk])
                return HttpResponseRedirect(address)
        context = {"form": form, "verb": _("Preview")}
        return page(self, request, "pmscoring/file_form.html", str(title), exam, **context)
