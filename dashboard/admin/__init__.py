"""Headway in Django admin: what was stored, to be looked at and never changed.

Only admin's autodiscovery imports this package: a project without `django.contrib.admin` does
without it.
"""

from django.contrib import admin

from dashboard.admin.tables import (
    ApiKeyAdmin,
    AuditAdmin,
    FailureAdmin,
    QueueAdmin,
    ScheduleAdmin,
    WorkerAdmin,
)
from dashboard.admin.tasks import TaskAdmin
from dashboard.models import ApiKey, Audit, Failure, Queue, ScheduleEntry, Task, Worker

INDEX_TEMPLATE = "admin/headway/index.html"

admin.site.register(Task, TaskAdmin)
admin.site.register(Worker, WorkerAdmin)
admin.site.register(Failure, FailureAdmin)
admin.site.register(Queue, QueueAdmin)
admin.site.register(ScheduleEntry, ScheduleAdmin)
admin.site.register(Audit, AuditAdmin)
admin.site.register(ApiKey, ApiKeyAdmin)

if admin.site.index_template is None:
    # It extends the project's own admin/index.html; a project that names a template keeps it.
    admin.site.index_template = INDEX_TEMPLATE
