"""Uploads with their rejected rows, and batches with their progress."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _

from pmscoring.base.admin import bars, theme
from pmscoring.base.admin.classes import ReadOnly
from pmscoring.base.roles import sees_candidates
from pmscoring.base.words import spoken
from scoring.admin import colours, counts
from scoring.admin.previews import Previews, with_columns
from scoring.admin.withdrawals import Withdraws
from scoring.models import Batch, Upload

MOST_SHOWN = 500


@admin.register(Upload)
class UploadAdmin(Previews, Withdraws, ReadOnly):
    """Uploaded files of answers and marks."""

    list_display = (
        *("name", "exam", "kind", "state", "accepted", "rejected"),
        *("bytes", "created_at"),
    )
    list_filter = ("status", "kind", "exam", "created_at")
    list_select_related = ("exam",)
    search_fields = ("name",)
    fields = (
        ("name", "exam"),
        ("reading", "bytes", "created_at"),
        ("accepted", "rejected", "batch_link"),
    )
    readonly_fields = (
        *("reading", "bytes", "batch_link", "why", "previewed", "not_read", "rejected_rows"),
        "withdrawing",
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = list(self.fields)
        if obj and obj.kind == Upload.Kind.MARKS:
            fields.append(("kind", "source"))
        # The reason and the rejected rows may name candidates, in the names of a ZIP's files too.
        if not sees_candidates(request.user):
            return fields
        reason = ["why"] if obj and obj.reason else []
        preview = ["previewed"] if obj and obj.status == Upload.Status.PREVIEW else []
        notes = ["not_read"] if obj and obj.notes else []
        back = self.withdrawing_fields(request, obj)
        return [*fields, *reason, *preview, *notes, "rejected_rows", *back]

    @theme.display(description=_("status"), ordering="status", label=colours.UPLOAD)
    def state(self, upload: Upload) -> tuple[str, str]:
        return upload.status, upload.get_status_display()

    @theme.display(description=_("status"))
    def reading(self, upload: Upload) -> str:
        """The status and the rows read so far; the page refreshes it until the file is read."""
        progress = _("%(status)s, %(count)d rows read") % {
            "status": upload.get_status_display(),
            "count": upload.seen,
        }
        if upload.status in (Upload.Status.WAITING, Upload.Status.READING):
            return bars.live("upload-live", progress)
        return progress

    @theme.display(description=_("size"), ordering="size")
    def bytes(self, upload: Upload) -> str:
        return filesizeformat(upload.size)

    @theme.display(description=_("batch"))
    def batch_link(self, upload: Upload) -> str:
        if upload.batch_id is None:
            return "–"
        address = reverse("admin:scoring_batch_change", args=[upload.batch_id])
        return format_html('<a class="pms-link" href="{}">#{}</a>', address, upload.batch_id)

    @theme.display(description=_("reason"))
    def why(self, upload: Upload) -> str:
        """Why the file was refused, in the language of who reads it."""
        return spoken(upload.refusal) if upload.refusal else upload.reason

    @theme.display(description=_("not read"))
    def not_read(self, upload: Upload) -> str:
        """What of the file was not read and is no row, such as a hidden sheet."""
        return format_html_join(mark_safe("<br>"), "{}", ((spoken(note),) for note in upload.notes))

    @theme.display(description=_("rows rejected"))
    def rejected_rows(self, upload: Upload) -> str:
        shown = with_columns(upload.rejections[:MOST_SHOWN])
        # A row has a rejection for each of its faults, but counts as one rejected row.
        more = upload.rejected - len({(row["line"], row.get("sheet")) for row in shown})
        return render_to_string("scoring/rejections.html", {"rejections": shown, "more": more})


@admin.register(Batch)
class BatchAdmin(Withdraws, ReadOnly):
    """Submissions that arrived together."""

    list_display = (
        "number",
        "exam",
        "accepted",
        "rejected",
        "waiting",
        "scored",
        "failed",
        "progress",
        "created_at",
    )
    list_filter = ("exam", "created_at")
    list_select_related = ("exam",)
    fields = (
        ("exam", "created_at"),
        ("accepted", "rejected"),
        ("waiting", "scored", "failed"),
        "progress",
    )
    readonly_fields = ("waiting", "scored", "failed", "progress", "withdrawing")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [*self.fields, *self.withdrawing_fields(request, obj)]

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Batch]":
        rows: QuerySet[Batch] = super().get_queryset(request)
        return counts.with_counts(rows, "answers")

    @theme.display(description="#", ordering="pk")
    def number(self, batch: Batch) -> str:
        return f"#{batch.pk}"

    @theme.display(description=_("waiting"), ordering="waiting")
    def waiting(self, batch: Any) -> int:
        """Answers that are not scored yet, those being scored included."""
        return int(batch.waiting + batch.scoring)

    @theme.display(description=_("scored"), ordering="scored")
    def scored(self, batch: Any) -> int:
        return int(batch.scored)

    @theme.display(description=_("failed"), ordering="failed")
    def failed(self, batch: Any) -> int:
        return int(batch.failed)

    @theme.display(description=_("progress"))
    def progress(self, batch: Batch) -> str:
        return counts.live(batch, f"batch-{batch.pk}")
