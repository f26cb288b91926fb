"""Headway under a prefix, as a host project would mount it, beside the admin."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("headway/", include("dashboard.urls")),
]
