"""Headway's addresses, below whatever prefix a project includes them at."""

from django.urls import path

from dashboard.views import (
    actions_forms,
    api_actions,
    api_figures,
    api_lists,
    audit,
    embed,
    embed_actions,
    embed_document,
    embed_stream,
    failures,
    health,
    language,
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
    path("language/", language.choose, name="language"),
    path("logout/", sign.SignOut.as_view(), name="logout"),
    path("api/v1/", api.urls, name="api"),
    path("embed/refresh/", embed.refresh, name="embed-refresh"),
    path("embed/v1/openapi.json", embed_document.document, name="embed-openapi"),
    path("embed/v1/states", embed.states, name="embed-states"),
    path("embed/v1/stream", embed_stream.stream, name="embed-stream"),
    path("embed/v1/tasks/<path:task_id>/cancel", embed_actions.cancel_task, name="embed-cancel"),
    path("embed/v1/tasks/<path:task_id>/retry", embed_actions.retry_task, name="embed-retry"),
    path("embed/v1/tasks/<path:task_id>", embed.task, name="embed-task"),
    path(
        "embed/v1/groups/<path:group_id>/cancel",
        embed_actions.cancel_group,
        name="embed-cancel-group",
    ),
    path("embed/v1/groups/<path:group_id>", embed.group, name="embed-group"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
