"""Addresses of version 1."""

from django.urls import path, register_converter
from django.urls.converters import IntConverter

from scoring.api import (
    exam_views,
    marking_views,
    schema,
    submission_views,
    token_views,
    upload_views,
)
from scoring.api.problems import missing


class KeyConverter(IntConverter):
    """A key that fits PostgreSQL's bigint."""

    regex = "[0-9]{1,18}"


register_converter(KeyConverter, "key")
__all__ = ["schema", "urlpatterns"]
urlpatterns = [
    path("exams", exam_views.ExamList.as_view()),
    path("exams/<slug:code>", exam_views.ExamDetail.as_view()),
    path("exams/<slug:code>/results", exam_views.Results.as_view()),
    path("submissions", submission_views.SubmissionList.as_view()),
    path("submissions/bulk", submission_views.SubmissionBulk.as_view()),
    path("submissions/<key:pk>", submission_views.SubmissionDetail.as_view()),
    path("batches/<key:pk>", submission_views.BatchDetail.as_view()),
    path("answers", marking_views.AnswerList.as_view()),
    path("answers/<key:pk>/marks", marking_views.Marks.as_view()),
    path("uploads", upload_views.UploadList.as_view()),
    path("uploads/<key:pk>", upload_views.UploadDetail.as_view()),
    path("score", marking_views.Score.as_view()),
    path("tokens", token_views.TokenList.as_view()),
    path("tokens/<key:pk>", token_views.TokenDetail.as_view()),
    path("<path:rest>", missing),
]
