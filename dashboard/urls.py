"""Headway's addresses, below whatever prefix a project includes them at."""

from django.urls import path

from dashboard.views import actions_forms, api_actions, api_figures, health, overview, pages, sign
from dashboard.views.api import api

app_name = "headway"
api.add_router("", api_actions.router)
api.add_router("", api_figures.router)

urlpatterns = [
    path("", overview.show, name="overview"),
    path("", overview.show, name="index"),
    path("tasks/", pages.tasks, name="tasks"),
    path("tasks/<path:task_id>/", pages.task, name="task"),
    path("actions/<str:action>/<path:task_id>/", actions_forms.act, name="act"),
    path("workers/", pages.workers, name="workers"),
    path("login/", sign.SignIn.as_view(), name="login"),
    path("logout/", sign.SignOut.as_view(), name="logout"),
    path("api/v1/", api.urls, name="api"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
