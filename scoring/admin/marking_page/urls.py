"""The addresses of the marking page, below /admin/marking/."""

from django.urls import path

from scoring.admin.marking_page import entry, extras, note_list, views

app_name = "marking"
urlpatterns = [
    path("", entry.entry, name="entry"),
    path("desk/<slug:code>/", views.desk, name="desk"),
    path("desk/<slug:code>/groups/", views.group_desk, name="groups"),
    path("desk/<slug:code>/disputes/", views.dispute_desk, name="disputes"),
    path("desk/<slug:code>/mine/", views.own_marks, name="mine"),
    path("comments/<int:pk>/", extras.saved_comments, name="comments"),
    path("note/<int:pk>/", extras.rubric_notes, name="note"),
    path("notes/", note_list.notes_of_all, name="notes"),
]
