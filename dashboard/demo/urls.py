"""The dashboard with the shop's page beside it."""

from django.urls import include, path

from dashboard.demo import views
from dashboard.server.urls import handler400, handler403, handler404, handler500
from dashboard.server.urls import urlpatterns as dashboard_urls

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

urlpatterns = [
    path("demo/upload/", include("dashboard.demo.upload.urls")),
    path("demo/", include(([path("", views.shop, name="shop")], "headway_demo"))),
    *dashboard_urls,
]
