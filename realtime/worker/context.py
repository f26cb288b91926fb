"""The plugin that tells what Celery's own events leave out: queue, group, owner, label, limits.

A `task-context` event goes out when a task is published, and again when a worker receives it: from
the worker's parent process, through the dispatcher that buffers Celery's own events.
"""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from celery import signals
from celery._state import get_current_app

from realtime.core.events import MAX_WORD, clean
from realtime.worker import running
from realtime.worker.outlet import Fields
from realtime.worker.sender import sender

OWNER = "headway_owner"
LABEL = "headway_label"
MAX_GROUPS = 100
"""Groups whose size is remembered while they are being published."""
MAX_STAMPS = 20

logger = logging.getLogger(__name__)
_groups: OrderedDict[str, int] = OrderedDict()


def headers(owner: object = None, label: str | None = None) -> dict[str, str]:
    """For `apply_async(headers=...)`: whose task it is, and what people are to call it."""
    told = {OWNER: owner, LABEL: label}
    return {name: str(value) for name, value in told.items() if value is not None}


def install(app: Any) -> None:
    """Have this application tell the context of its tasks; once per application is enough.

    Call it where the application is made, so that clients and workers both do.
    """
    uid = f"headway.context.{id(app)}"
    # Each application's own: a process may have several, and all of them hear of every task.
    held = threading.local()

    def publishing(sender: str = "", **told: Any) -> None:
        is_ours = _is_of(app, sender, told.get("declare"))
        held.fields = _of_publish(sender, told) if is_ours else None

    def published(**_: object) -> None:
        fields, held.fields = getattr(held, "fields", None), None
        if fields is not None:
            _sent(app, fields)

    def received(sender: Any = None, request: Any = None, **_: object) -> None:
        if sender.app is app and request.task.send_events:
            sender.event_dispatcher.send("task-context", **_of_request(app, request))

    for signal, handler in (
        (signals.before_task_publish, publishing),
        (signals.after_task_publish, published),
        (signals.task_received, received),
    ):
        signal.connect(_harmless(handler), weak=False, dispatch_uid=uid)


class _Published:
    """The context of a task just published; `News` to the sender."""

    __slots__ = ("_fields", "app")

    def __init__(self, app: Any, fields: Fields) -> None:
        self.app = app
        self._fields = fields

    def due_at(self) -> float:
        """At once."""
        return 0.0

    def ready_at(self) -> float:
        """At once."""
        return 0.0

    def take(self) -> Fields:
        """Its event; the group has by now the members that were published after this one."""
        group = self._fields.get("group")
        size = _groups.get(str(group)) if group is not None else None
        return self._fields if size is None else {**self._fields, "group_size": size}

    def put_back(self) -> bool:
        """It is to be tried again."""
        return True

    def drop(self) -> None:
        """Its worker tells it once more."""


def _sent(app: Any, fields: Fields) -> None:
    task = running.current()
    if task is not None and task.id == fields["uuid"]:
        # It publishes its own next attempt, which its worker knows all about.
        return
    told = {"type": "task-context", "timestamp": time.time(), **fields}
    sender.put(_Published(app, told))


def _of_publish(name: str, told: Mapping[str, Any]) -> Fields | None:
    head, declared = told["headers"], told.get("declare")
    if not head.get("id"):
        # Celery's first message protocol, which Celery 4 replaced, has no headers.
        return None
    if head.get("group") and head.get("group_index") is not None:
        _note_member(head["group"], head["group_index"] + 1)
    queue = declared[0].name if declared else told.get("routing_key")
    priority = told["properties"].get("priority")
    body = told["body"]
    embed = body[2] if isinstance(body, tuple) and len(body) > 2 else {}
    fields = _fields(head, embed.get("chord"), queue, priority)
    known = {"name": name, "root_id": head.get("root_id"), "parent_id": head.get("parent_id")}
    return {**known, **fields}


def _of_request(app: Any, request: Any) -> Fields:
    info = request.delivery_info or {}
    return _fields(request.request_dict, None, _queue(app, info), info.get("priority"))


def _fields(head: Mapping[str, Any], chord: Any, queue: object, priority: object) -> Fields:
    limit, soft_limit = head.get("timelimit") or (None, None)
    fields = {
        "uuid": head["id"],
        "retries": head.get("retries") or 0,
        "queue": queue,
        "group": _group(head),
        "chord": chord.get("options", {}).get("task_id") if isinstance(chord, Mapping) else None,
        "owner": _word(head.get(OWNER)),
        "label": _word(head.get(LABEL)),
        "stamps": _stamps(head.get("stamps")),
        "soft_time_limit": soft_limit,
        "time_limit": limit,
        "priority": priority,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _group(head: Mapping[str, Any]) -> object:
    """The group that a task is a member of. The body of a chord carries the id of the group that it
    waits for, and no place in it (`celery.canvas._chord.run`)."""
    return head.get("group") if head.get("group_index") is not None else None


def _queue(app: Any, info: Mapping[str, Any]) -> object:
    exchange, key = info.get("exchange"), info.get("routing_key")
    if exchange:
        for queue in app.amqp.queues.consume_from.values():
            if (queue.exchange.name, queue.routing_key) == (exchange, key):
                return queue.name
    return key


def _word(value: object) -> str | None:
    return None if value is None else clean(str(value), MAX_WORD)


def _stamps(stamps: Any) -> dict[str, list[str]] | None:
    """As text: a stamp's value may be anything."""
    if not isinstance(stamps, Mapping) or not stamps:
        return None
    return {
        str(name)[:MAX_WORD]: [str(value)[:MAX_WORD] for value in list(_many(values))[:MAX_STAMPS]]
        for name, values in list(stamps.items())[:MAX_STAMPS]
    }


def _many(values: Any) -> Any:
    return values if isinstance(values, list | tuple | set | frozenset) else (values,)


def _note_member(group: str, size: int) -> None:
    _groups[group] = max(size, _groups.pop(group, 0))
    if len(_groups) > MAX_GROUPS:
        _groups.popitem(last=False)


def _is_of(app: Any, name: str, declared: Any) -> bool:
    """Publishing tells no application, and each knows the shared tasks of all: it is the one whose
    queue it is. Of a queue that nobody knows, the one that knows the task, or the current one."""
    if declared:
        known = app.amqp.queues.get(declared[0].name)
        if known is not None:
            return known is declared[0]
    return name in app.tasks or get_current_app() is app


def _harmless(handler: Callable[..., None]) -> Callable[..., None]:
    """The same handler, whose faults are logged and never the host's."""

    def guarded(signal: Any = None, **told: Any) -> None:
        try:
            handler(**told)
        except Exception:
            logger.exception("A task's context was not told")

    return guarded
