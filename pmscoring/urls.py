"""Every address of the product."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from pmscoring import metrics
from pmscoring.base.admin.pages import search
from pmscoring.base.admin.signing_in import sign_in
from pmscoring.callers import insiders_only, known
from pmscoring.health.live import live
from pmscoring.health.views import health, ready

handler400 = "pmscoring.error_pages.bad_request"
handler403 = "pmscoring.error_pages.forbidden"
handler404 = "pmscoring.error_pages.not_found"
handler500 = "pmscoring.holding.failed"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/marking/", include("scoring.admin.marking_page.urls")),
    path("admin/people/", include("scoring.admin.people_page")),
    path("admin/login/", sign_in),
    path("admin/search/", search),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/v1/ops/", include("opsconsole.api.urls")),
    path("api/v1/", include("scoring.api.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("health", health),
    path("health/live", live),
    path("health/ready", ready),
    path("known", known),
    path("metrics", insiders_only(metrics.page)),
]
