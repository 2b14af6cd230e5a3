"""Addresses of version 1."""

from django.urls import path, re_path

from pmscoring.base.api import keys, schema
from pmscoring.base.api.problems import missing
from scoring.api import (
    agreement_views,
    assignment_views,
    calibration_views,
    contract,
    exam_views,
    export_views,
    group_views,
    marking_views,
    people_views,
    reference_views,
    review_views,
    statuses,
    submission_views,
    token_views,
    upload_views,
    withdrawal_views,
)

__all__ = ["contract", "keys", "schema", "statuses", "urlpatterns"]
urlpatterns = [
    path("exams", exam_views.ExamList.as_view()),
    path("exams/<slug:code>", exam_views.ExamDetail.as_view()),
    path("exams/<slug:code>/agreement", agreement_views.Agreement.as_view()),
    *(
        path(f"exams/<slug:code>/{name}", view.as_view())
        for name, view in export_views.VIEWS.items()
    ),
    path(
        "questions/<slug:exam>/<slug:code>/calibrations",
        calibration_views.CalibrationList.as_view(),
    ),
    path(
        "questions/<slug:exam>/<slug:code>/calibrations/rollback",
        calibration_views.RollBack.as_view(),
    ),
    path(
        "questions/<slug:exam>/<slug:code>/calibrations/<key:pk>",
        calibration_views.CalibrationDetail.as_view(),
    ),
    path(
        "questions/<slug:exam>/<slug:code>/calibrations/<key:pk>/promote",
        calibration_views.Promote.as_view(),
    ),
    path(
        "questions/<slug:exam>/<slug:code>/threshold",
        calibration_views.ThresholdDetail.as_view(),
    ),
    path("submissions", submission_views.SubmissionList.as_view()),
    path("submissions/bulk", submission_views.SubmissionBulk.as_view()),
    path("submissions/<key:pk>", submission_views.SubmissionDetail.as_view()),
    path("batches/<key:pk>", submission_views.BatchDetail.as_view()),
    path("answers", marking_views.AnswerList.as_view()),
    path("answers/<key:pk>/marks", marking_views.Marks.as_view()),
    path("answers/<key:pk>/adjudication", review_views.Adjudication.as_view()),
    path("marks/<key:pk>/withdrawal", review_views.Withdrawal.as_view()),
    path("review/marks", people_views.OwnMarkList.as_view()),
    path("review/next", review_views.Next.as_view()),
    path("review/<key:pk>/release", review_views.Release.as_view()),
    path("questions/<slug:exam>/<slug:code>/groups", group_views.GroupList.as_view()),
    path("groups/<key:pk>/marks", group_views.GroupMarks.as_view()),
    path("exams/<slug:code>/references", reference_views.ReferenceList.as_view()),
    path("references/<key:pk>", reference_views.ReferenceDetail.as_view()),
    path("exams/<slug:code>/standings", reference_views.StandingList.as_view()),
    path("exams/<slug:code>/workload", review_views.WorkloadList.as_view()),
    path("exams/<slug:code>/assignments", assignment_views.AssignmentList.as_view()),
    path("exams/<slug:code>/comments", people_views.CommentList.as_view()),
    path("comments/<key:pk>", people_views.CommentDetail.as_view()),
    path("exams/<slug:code>/notes", people_views.NoteList.as_view()),
    path("notes/<key:pk>/reply", people_views.NoteReply.as_view()),
    path("exams/<slug:code>/pass-line", review_views.PassLine.as_view()),
    path("uploads", upload_views.UploadList.as_view()),
    path("uploads/<key:pk>", upload_views.UploadDetail.as_view()),
    path("uploads/<key:pk>/take", upload_views.UploadTake.as_view()),
    path("uploads/<key:pk>/withdrawal", withdrawal_views.WithdrawUpload.as_view()),
    path("batches/<key:pk>/withdrawal", withdrawal_views.WithdrawBatch.as_view()),
    path("submissions/<key:pk>/withdrawal", withdrawal_views.WithdrawSubmission.as_view()),
    path("withdrawals", withdrawal_views.WithdrawalList.as_view()),
    path("withdrawals/<key:pk>/restoration", withdrawal_views.Restore.as_view()),
    path("score", marking_views.Score.as_view()),
    path("tokens", token_views.TokenList.as_view()),
    path("tokens/<key:pk>", token_views.TokenDetail.as_view()),
    # All else, a path with a line break in it too, which a `path` converter does not match.
    re_path(r"^(?P<rest>(?s:.+))\Z", missing),
]
