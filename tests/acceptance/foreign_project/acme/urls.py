"""Addresses of the project."""

from django.conf import settings
from django.contrib.auth.views import LoginView
from django.urls import include, path, re_path
from django.views.static import serve

from acme.administration import office
from acme.dashboard.views import home

urlpatterns = [
    path("", home, name="home"),
    path("sign-in/", LoginView.as_view(template_name="dashboard/sign_in.html"), name="sign-in"),
    path("office/", office.urls),
    path("ops/headway/", include("dashboard.urls")),
    re_path("^static/(?P<path>.*)$", serve, {"document_root": settings.STATIC_ROOT}),
]
