"""API tokens: issued with a secret that is shown once, and revoked."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from pmscoring.base.admin import theme
from pmscoring.base.admin.classes import ReadOnly
from pmscoring.base.admin.pages import page
from pmscoring.base.faults import Invalid
from pmscoring.base.roles import MANAGER, has_role, signed_in
from scoring import access
from scoring.admin.forms import TokenForm
from scoring.models import ApiToken


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnly):
    """The list of tokens; a digest is never shown."""

    readers = (MANAGER,)
    list_display = (
        *("name_or_number", "user", "scope", "state"),
        *("created_at", "expires_at", "revoked_at"),
    )
    list_filter = ("created_at", "expires_at")
    list_select_related = ("user",)
    search_fields = ("name", "user__username")
    fields = (("name", "user", "scope"), ("created_at", "expires_at", "revoked_at"))
    actions = ("revoke",)
    actions_list = ("issue",)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[ApiToken]":
        """Those that the caller may revoke."""
        revocable = access.tokens(signed_in(request.user))
        rows: QuerySet[ApiToken] = super().get_queryset(request)
        return rows.filter(pk__in=revocable.values("pk"))

    def has_issue_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Managers."""
        return has_role(request.user, *self.writers)

    @theme.action(
        description=_("Issue a token"), icon="key", permissions=["issue"], url_path="issue"
    )
    def issue(self, request: HttpRequest) -> HttpResponse:
        """A form; afterwards the secret, this once."""
        issuer = signed_in(request.user)
        form = TokenForm(request.POST or None)
        form.fields["user"].queryset = access.owners(issuer)  # type: ignore[attr-defined]
        if request.method == "POST" and form.is_valid():
            wanted = form.cleaned_data
            owner, scope = wanted["user"], wanted["scope"]
            try:
                token, secret = access.issue(issuer, owner, wanted["name"], wanted["days"], scope)
            except Invalid as error:
                for fault in error.faults:
                    form.add_error(fault["pointer"].removeprefix("/"), fault["detail"])
            else:
                words = _("The token of %(user)s, which is shown only now:") % {"user": token.user}
                shown = format_html("{} <code>{}</code>", words, secret)
                self.message_user(request, shown, "success")
                return HttpResponseRedirect(reverse("admin:scoring_apitoken_changelist"))
        more = {"form": form, "verb": _("Issue")}
        title = str(_("Issue a token"))
        return page(self, request, "pmscoring/file_form.html", title, None, **more)

    @admin.action(description=_("Revoke"), permissions=["issue"])
    def revoke(self, request: HttpRequest, queryset: "QuerySet[ApiToken]") -> None:
        """From now on they are refused."""
        revoked = access.revoke(signed_in(request.user), queryset.values_list("pk", flat=True))
        message = ngettext(
            "%(count)d token was revoked.", "%(count)d tokens were revoked.", len(revoked)
        )
        self.message_user(request, message % {"count": len(revoked)})

    @theme.display(description=_("name"), ordering="name")
    def name_or_number(self, token: ApiToken) -> str:
        """Its name, else its number."""
        return str(token)

    @theme.display(
        description=_("state"),
        label={"valid": "success", "expired": "warning", "revoked": "danger"},
    )
    def state(self, token: ApiToken) -> tuple[str, Any]:
        """Whether it still opens."""
        if token.revoked_at:
            return "revoked", _("revoked")
        return ("valid", _("valid")) if token.expires_at > now() else ("expired", _("expired"))
