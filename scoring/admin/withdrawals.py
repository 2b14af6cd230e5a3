"""Taking answers back, and the way back, in the admin."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from pmscoring.base.admin import theme
from pmscoring.base.admin.classes import ReadOnly
from pmscoring.base.admin.pages import confirmation, page
from pmscoring.base.faults import Invalid
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.roles import MANAGER, has_role, signed_in
from scoring import tasks
from scoring.intake import withdrawals
from scoring.models import Upload, Withdrawal


class WithdrawalForm(forms.Form):
    """Why answers are taken back, and how many of them people have marked, where any are."""

    reason = forms.CharField(
        label=capfirst(_("reason")),
        max_length=withdrawals.LONGEST_REASON,
        widget=theme.Textarea(attrs={"rows": 3}),
    )
    marked = forms.IntegerField(
        label=capfirst(_("answers that people have marked")),
        help_text=_("Type their number to confirm that their marks no longer count."),
        min_value=0,
        widget=theme.NumberInput,
    )

    def __init__(self, marked: int, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if not marked:
            del self.fields["marked"]


class Withdraws(ReadOnly):
    """The page of what arrived together, with the way to take it back."""

    def withdrawing_fields(self, request: HttpRequest, obj: Any) -> list[str]:
        """The field with the link, for managers, where something is there to be taken back."""
        is_there = obj is not None and bool(withdrawals.extent(obj).submissions)
        return ["withdrawing"] if is_there and has_role(request.user, MANAGER) else []

    @theme.display(description=_("take back"))
    def withdrawing(self, subject: Any) -> str:
        """The link to the page that asks for the reason."""
        address = reverse(f"admin:{self._name}_withdraw", args=[subject.pk])
        return format_html('<a class="pms-link" href="{}">{}</a>', address, _("Withdraw…"))

    @property
    def _name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.withdraw_view)
        return [
            path("<int:pk>/withdraw/", view, name=f"{self._name}_withdraw"),
            *super().get_urls(),
        ]

    def withdraw_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """GET shows how much would be taken back and asks for the reason, POST takes it back."""
        if not has_role(request.user, MANAGER):
            raise PermissionDenied
        subject = get_object_or_404(self.get_queryset(request), pk=pk)
        extent = withdrawals.extent(subject)
        form = WithdrawalForm(extent.marked, request.POST or None)
        refusal = ""
        if form.is_valid():
            words = form.cleaned_data
            try:
                withdrawal, questions = withdrawals.withdraw(
                    subject, signed_in(request.user), words["reason"], words.get("marked", 0)
                )
            except (Invalid, WrongState) as error:
                refusal = str(error)
            else:
                tasks.nudge(questions)
                self.message_user(request, _done(withdrawal))
                return _to(withdrawal)
        title = _("Withdraw %(kind)s %(name)s") % {"kind": self.opts.verbose_name, "name": subject}
        more = {"form": form, "extent": extent, "refusal": refusal, "verb": _("Withdraw")}
        more["is_marks"] = getattr(subject, "kind", "") == Upload.Kind.MARKS
        back = reverse(f"admin:{self._name}_change", args=[pk])
        template = "scoring/withdraw.html"
        return page(self, request, template, str(title), subject, back=back, **more)


def _done(withdrawal: Withdrawal) -> str:
    count = withdrawal.answer_count
    if withdrawal.kind == Withdrawal.Kind.MARKS:
        message = ngettext(
            "The mark of %(count)d answer was withdrawn.",
            "The marks of %(count)d answers were withdrawn.",
            count,
        )
    else:
        message = ngettext(
            "%(count)d answer was withdrawn.", "%(count)d answers were withdrawn.", count
        )
    return message % {"count": count}


def _restored(withdrawal: Withdrawal, restored: withdrawals.Restored) -> str:
    message = _("%(count)d answers were restored, %(replaced)d of them behind later ones.")
    if withdrawal.kind == Withdrawal.Kind.MARKS:
        message = _("%(count)d marks were restored, except %(replaced)d with later ones.")
    return message % {"count": restored.answers, "replaced": restored.replaced}


def _to(withdrawal: Withdrawal) -> HttpResponse:
    address = reverse("admin:scoring_withdrawal_change", args=[withdrawal.pk])
    return HttpResponseRedirect(address)


@admin.register(Withdrawal)
class WithdrawalAdmin(ReadOnly):
    """What was taken back, by whom and why, and the way back."""

    list_display = (
        *("what", "exam", "reason", "answer_count", "marked_count"),
        *("withdrawn_by", "created_at", "restored_at"),
    )
    list_filter = ("exam", "kind", "created_at")
    list_select_related = ("exam", "withdrawn_by")
    fields = (
        ("what", "exam"),
        "reason",
        ("answer_count", "marked_count"),
        ("withdrawn_by", "created_at"),
        ("restored_by", "restored_at"),
    )
    readonly_fields = ("what", "restoring")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        is_open = obj is not None and obj.restored_at is None
        may_restore = is_open and has_role(request.user, MANAGER)
        return [*self.fields, "restoring"] if may_restore else self.fields

    @theme.display(description=_("withdrawn"), ordering="pk")
    def what(self, withdrawal: Withdrawal) -> str:
        """What it was."""
        return str(withdrawal)

    @theme.display(description=_("bringing back"))
    def restoring(self, withdrawal: Withdrawal) -> str:
        """The link to the page that asks before."""
        address = reverse("admin:scoring_withdrawal_restore", args=[withdrawal.pk])
        return format_html('<a class="pms-link" href="{}">{}</a>', address, _("Bring back…"))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.restore_view)
        restore = path("<int:pk>/restore/", view, name="scoring_withdrawal_restore")
        return [restore, *super().get_urls()]

    def restore_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """GET asks, POST restores."""
        if not has_role(request.user, MANAGER):
            raise PermissionDenied
        withdrawal = get_object_or_404(Withdrawal.objects.select_related("exam"), pk=pk)
        if request.method == "POST":
            self._restore(request, withdrawal)
            return _to(withdrawal)
        meaning = _("Its answers count again with their marks, except behind later ones.")
        if withdrawal.kind == Withdrawal.Kind.MARKS:
            meaning = _("Its marks count again, except where their source has later ones.")
        title = _("Restore %s?") % withdrawal
        back = reverse("admin:scoring_withdrawal_change", args=[pk])
        return confirmation(self, request, str(title), withdrawal, meaning=str(meaning), back=back)

    def _restore(self, request: HttpRequest, withdrawal: Withdrawal) -> None:
        try:
            restored = withdrawals.restore(withdrawal, signed_in(request.user))
        except WrongState as error:
            self.message_failure(request, error)
            return
        tasks.nudge(restored.questions)
        self.message_user(request, _restored(withdrawal, restored))
