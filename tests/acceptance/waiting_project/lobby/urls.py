"""Addresses of the site."""

from django.contrib.staticfiles.views import serve
from django.urls import include, path, re_path

from lobby import views

urlpatterns = [
    path("hand-over/", views.hand_over),
    path("work/<str:task_id>/", views.work, name="work"),
    path("many/", views.many),
    path("ops/headway/", include("dashboard.urls")),
    re_path("^static/(?P<path>.*)$", serve, {"insecure": True}),
]
