"""API tokens: issued with a secret that is shown once, and revoked."""

from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from pmscoring.base.admin import theme
from pmscoring.base.admin.classes import ReadOnly
from pmscoring.base.admin.pages import page
from pmscoring.base.audit import audit
from pmscoring.base.roles import CLIENT, MANAGER, has_role
from scoring.admin.forms import TokenForm
from scoring.models import ApiToken


def owners(request: HttpRequest) -> "QuerySet[Any]":
    """For whom the caller may issue: oneself and pure clients; superusers for anyone active.

    A token acts as its user, so no one may issue one that can do more than the issuer.
    """
    users = get_user_model()._default_manager.filter(is_active=True)
    if request.user.is_superuser:
        return users
    others = Group.objects.exclude(name=CLIENT)
    clients = users.filter(groups__name=CLIENT, is_superuser=False, is_staff=False)
    clients = clients.exclude(groups__in=others)
    return users.filter(Q(pk=request.user.pk) | Q(pk__in=clients.values("pk")))


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnly):
    """The list of tokens; a digest is never shown."""

    readers = (MANAGER,)
    list_display = ("name_or_number", "user", "state", "created_at", "expires_at", "revoked_at")
    list_filter = ("created_at", "expires_at")
    list_select_related = ("user",)
    search_fields = ("name", "user__username")
    fields = (("name", "user"), ("created_at", "expires_at", "revoked_at"))
    actions = ("revoke",)
    actions_list = ("issue",)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[ApiToken]":
        """Those of whom the caller may issue for."""
        found: QuerySet[ApiToken] = super().get_queryset(request)
        return found if request.user.is_superuser else found.filter(user__in=owners(request))

    def has_issue_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Managers."""
        return has_role(request.user, *self.writers)

    @theme.action(
        description=_("Issue a token"), icon="key", permissions=["issue"], url_path="issue"
    )
    def issue(self, request: HttpRequest) -> HttpResponse:
        """A form; afterwards the secret, this once."""
        form = TokenForm(request.POST or None)
        form.fields["user"].queryset = owners(request)  # type: ignore[attr-defined]
        if request.method == "POST" and form.is_valid():
            told = form.cleaned_data
            token, secret = ApiToken.issue(told["user"], told["name"], told["days"])
            audit.info("token issued", extra={"user": request.user.pk, "token": token.pk})
            words = _("The token of %(user)s, which is shown only now:") % {"user": token.user}
            self.message_user(request, format_html("{} <code>{}</code>", words, secret), "success")
            return HttpResponseRedirect(reverse("admin:scoring_apitoken_changelist"))
        more = {"form": form, "verb": _("Issue")}
        title = str(_("Issue a token"))
        return page(self, request, "pmscoring/file_form.html", title, None, **more)

    @admin.action(description=_("Revoke"), permissions=["issue"])
    def revoke(self, request: HttpRequest, queryset: "QuerySet[ApiToken]") -> None:
        """From now on they are refused."""
        revoked = [token for token in queryset if ApiToken.revoke(token.user, token.pk)]
        audit.info(
            "tokens revoked", extra={"user": request.user.pk, "tokens": [t.pk for t in revoked]}
        )
        told = ngettext(
            "%(count)d token was revoked.", "%(count)d tokens were revoked.", len(revoked)
        )
        self.message_user(request, told % {"count": len(revoked)})

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
