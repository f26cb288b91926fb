"""Headway's addresses, below whatever prefix a project includes them at."""

from django.urls import path

from dashboard.views import (
    actions_forms,
    api_actions,
    api_figures,
    api_lists,
    audit,
    failures,
    health,
    overview,
    pages,
    queues,
    schedule,
    sign,
    task,
    workers,
)
from dashboard.views.api import api

app_name = "headway"
api.add_router("", api_actions.router)
api.add_router("", api_figures.router)
api.add_router("", api_lists.router)

urlpatterns = [
    path("", overview.show, name="overview"),
    path("", overview.show, name="index"),
    path("tasks/", pages.tasks, name="tasks"),
    path("tasks/<path:task_id>/", task.show, name="task"),
    path("actions/<str:action>/<path:task_id>/", actions_forms.act, name="act"),
    path("failures/", failures.show, name="failures"),
    path("failures/<str:signature>/", failures.group, name="failure"),
    path("workers/", workers.show, name="workers"),
    path("queues/", queues.show, name="queues"),
    path("schedule/", schedule.show, name="schedule"),
    path("audit/", audit.show, name="audit"),
    path("login/", sign.SignIn.as_view(), name="login"),
    path("logout/", sign.SignOut.as_view(), name="logout"),
    path("api/v1/", api.urls, name="api"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
