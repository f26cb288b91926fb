"""The upload page at the root, Headway behind it."""

from django.urls import include, path

urlpatterns = [
    path("headway/", include("dashboard.urls")),
    path("", include("uploads.urls")),
]
