"""Addresses of version 1."""

from django.urls import path, register_converter
from django.urls.converters import IntConverter

from scoring.api import marking_views, schema, upload_views, views


class KeyConverter(IntConverter):
    """A key that fits PostgreSQL's bigint."""

    regex = "[0-9]{1,18}"


register_converter(KeyConverter, "key")
__all__ = ["schema", "urlpatterns"]
urlpatterns = [
    path("exams", views.ExamList.as_view()),
    path("exams/<slug:code>", views.ExamDetail.as_view()),
    path("exams/<slug:code>/results", marking_views.Results.as_view()),
    path("submissions", views.SubmissionList.as_view()),
    path("submissions/bulk", views.SubmissionBulk.as_view()),
    path("submissions/<key:pk>", views.SubmissionDetail.as_view()),
    path("batches/<key:pk>", views.BatchDetail.as_view()),
    path("answers", views.AnswerList.as_view()),
    path("answers/<key:pk>/marks", marking_views.Marks.as_view()),
    path("uploads", upload_views.UploadList.as_view()),
    path("uploads/<key:pk>", upload_views.UploadDetail.as_view()),
    path("score", marking_views.Score.as_view()),
    path("tokens", views.TokenList.as_view()),
    path("tokens/<key:pk>", views.TokenDetail.as_view()),
]
