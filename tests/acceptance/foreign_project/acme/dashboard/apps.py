"""The app, under the label that Django gives it: `dashboard`."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    """The project's own dashboard."""

    name = "acme.dashboard"
