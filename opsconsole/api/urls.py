"""Addresses of the console below /api/v1/ops/."""

from django.urls import path

from opsconsole.api import backup_views, event_views, plan_views, restore_views, statuses
from pmscoring.base.api import keys

__all__ = ["keys", "statuses", "urlpatterns"]
urlpatterns = [
    path("events", event_views.EventList.as_view()),
    path("events/chain", event_views.EventChain.as_view()),
    path("events/export", event_views.EventExport.as_view()),
    path("events/<key:number>", event_views.EventDetail.as_view()),
    path("plans", plan_views.PlanList.as_view()),
    path("plans/<key:pk>", plan_views.PlanDetail.as_view()),
    path("backups", backup_views.BackupList.as_view()),
    path("backups/<uuid:uid>", backup_views.BackupDetail.as_view()),
    path("restores", restore_views.RestoreList.as_view()),
    path("restores/<uuid:uid>", restore_views.RestoreDetail.as_view()),
]
