"""Addresses of the console below /api/v1/ops/."""

from django.urls import path

from opsconsole.api import (
    backup_deeds,
    backup_views,
    deployment_views,
    environment_views,
    event_views,
    operation_views,
    plan_views,
    restore_views,
    scaling_views,
    statuses,
    window_views,
)
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
    path("backups/prune", backup_deeds.Pruning.as_view()),
    path("backups/<uuid:uid>/hold", backup_deeds.BackupHold.as_view()),
    path("backups/<uuid:uid>/verify", backup_deeds.BackupVerification.as_view()),
    path("environments", environment_views.EnvironmentList.as_view()),
    path("environments/<slug:code>", environment_views.EnvironmentDetail.as_view()),
    path("releases", environment_views.ReleaseList.as_view()),
    path("releases/<uuid:uid>", environment_views.ReleaseDetail.as_view()),
    path("deployments", deployment_views.DeploymentList.as_view()),
    path("deployments/<uuid:uid>", deployment_views.DeploymentDetail.as_view()),
    path("deployments/<uuid:uid>/approve", deployment_views.DeploymentApproval.as_view()),
    path("deployments/<uuid:uid>/cancel", deployment_views.DeploymentCancellation.as_view()),
    path("deployments/<uuid:uid>/break-lock", deployment_views.DeploymentLock.as_view()),
    path("operations", operation_views.OperationList.as_view()),
    path("operations/<uuid:uid>", operation_views.OperationDetail.as_view()),
    path("policies", scaling_views.PolicyList.as_view()),
    path("policies/<key:pk>", scaling_views.PolicyDetail.as_view()),
    path("policies/<key:pk>/pause", scaling_views.PolicyPause.as_view()),
    path("policies/<key:pk>/resume", scaling_views.PolicyResumption.as_view()),
    path("decisions", scaling_views.DecisionList.as_view()),
    path("decisions/<key:pk>", scaling_views.DecisionDetail.as_view()),
    path("windows", window_views.WindowList.as_view()),
    path("windows/<key:pk>", window_views.WindowDetail.as_view()),
    path("restores", restore_views.RestoreList.as_view()),
    path("restores/<uuid:uid>", restore_views.RestoreDetail.as_view()),
]
