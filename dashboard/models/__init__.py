"""The stored truth. Instants are Unix seconds (UTC) and durations seconds, as in every row and
frame, so that a stored row, a live row and a query over either compare the same numbers."""

from dashboard.models.embedding import Claim, Expectation, Group
from dashboard.models.figures import Failure, Queue, Rollup, ScheduleEntry, Tally
from dashboard.models.people import ApiKey, Audit, Operation, SavedQuery
from dashboard.models.stream import Gap, Stream, new_epoch
from dashboard.models.tasks import Task, Worker

__all__ = [
    "ApiKey",
    "Audit",
    "Claim",
    "Expectation",
    "Failure",
    "Gap",
    "Group",
    "Operation",
    "Queue",
    "Rollup",
    "SavedQuery",
    "ScheduleEntry",
    "Stream",
    "Tally",
    "Task",
    "Worker",
    "new_epoch",
]
