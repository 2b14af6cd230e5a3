"""The addresses of the marking page, below /admin/marking/."""

from django.urls import path

from scoring.admin.marking_page import entry, views

app_name = "marking"
urlpatterns = [
    path("", entry.entry, name="entry"),
    path("desk/<slug:code>/", views.desk, name="desk"),
    path("desk/<slug:code>/groups/", views.group_desk, name="groups"),
    path("desk/<slug:code>/disputes/", views.dispute_desk, name="disputes"),
]
