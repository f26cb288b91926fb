"""The addresses of the standalone server."""

from django.contrib import admin
from django.urls import include, path

from dashboard.server import administration

urlpatterns = [
    path("admin/login/", administration.sign_in),
    path("admin/", admin.site.urls),
    path("", include("dashboard.urls")),
]

handler400 = "dashboard.server.errors.bad_request"
handler403 = "dashboard.server.errors.permission_denied"
handler404 = "dashboard.server.errors.page_not_found"
handler500 = "dashboard.server.errors.server_error"
