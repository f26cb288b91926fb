"""The result backend in: live states from Redis, and stored outcomes for repair.

What a backend tells knows no process and no clock, so its events carry the hostname "". JSON is
read and nothing else: a pickled result is never loaded.
"""

import logging
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from celery import Celery, states
from celery.backends.base import BaseKeyValueStoreBackend, DisabledBackend
from celery.backends.redis import RedisBackend
from celery.backends.rpc import RPCBackend
from celery.utils.saferepr import saferepr

from realtime import broker, codec
from realtime.backoff import Backoff
from realtime.core import events
from realtime.core.events import Event, Fields
from realtime.inbox import Inbox
from realtime.ports import Delivery

logger = logging.getLogger(__name__)

MAX_VALUE_BYTES = events.MAX_EVENT_BYTES
"""A stored result beyond this is not read: it may be the host's whole data."""
POLL_S = 0.5
PING_S = 5.0
"""How often Redis is asked for a sign of life on a quiet subscription."""

SCAN_COUNT = 500
"""Keys that Redis looks at in one step of a search: well under a millisecond of its time."""
SLACK_S = 5.0
"""How far the clocks of workers and ours may be apart for a result to count as of a gap."""

# States that say nothing that the task's own events do not say better.
_SILENT = frozenset(
    {states.PENDING, states.RECEIVED, states.STARTED, states.RETRY, states.REJECTED, states.IGNORED}
)
_OUTCOMES = {
    states.SUCCESS: "task-succeeded",
    states.FAILURE: "task-failed",
    states.REVOKED: "task-revoked",
}
_NO_PROGRESS: Fields = dict.fromkeys(("current", "total", "unit", "message", "stage", "stages"))


class ResultListener:
    """Hears every state that tasks store in a Redis result backend, custom ones included.

    Redis publishes each stored result on the channel of its key (source:
    `celery.backends.redis.RedisBackend.set`). Elsewhere `run` returns at once.
    """

    def __init__(
        self, app: Celery, inbox: Inbox, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._backend: Any = app.backend
        self._inbox = inbox
        self._clock = clock
        self._stopping = threading.Event()
        self._told = ""
        self.counters: Counter[str] = Counter()
        """`too_large`, `not_json`, `dropped_progress`, `dropped_state`: since the start."""

    @property
    def is_active(self) -> bool:
        """Whether this backend tells anything live."""
        return isinstance(self._backend, RedisBackend) and _is_json(self._backend)

    def describe(self) -> str:
        """What is listened to, or why nothing is; without secrets."""
        if self.is_active:
            return f"listening to {_shown(self._prefix)}* on {self._backend.as_uri()}"
        if isinstance(self._backend, RedisBackend):
            return f"states are not seen live: {_pickled(self._backend)}"
        name = type(self._backend).__name__
        return f"states are not seen live: the result backend is {name}, not Redis"

    def run(self) -> None:
        """Listen until `stop`; Redis may come and go."""
        backoff = Backoff()
        while self.is_active and not self._stopping.is_set():
            try:
                self._session(backoff)
            except Exception as error:  # noqa: BLE001 - a transport raises what it likes
                self._tell("unreachable", f"The result backend is away: {broker.reason(error)}")
                self._stopping.wait(backoff.next_s())

    def stop(self) -> None:
        """Ask `run` to return."""
        self._stopping.set()

    @property
    def _prefix(self) -> bytes | str:
        return _prefix(self._backend)

    def _session(self, backoff: Backoff) -> None:
        with _client(self._backend) as client, client.pubsub() as subscription:
            subscription.psubscribe(_pattern(self._prefix))
            self._listen(subscription, backoff)

    def _listen(self, subscription: Any, backoff: Backoff) -> None:
        heard_at = asked_at = time.monotonic()
        while not self._stopping.is_set():
            message = subscription.get_message(timeout=POLL_S)
            now = time.monotonic()
            if message is not None:
                heard_at = now
                if message["type"] == "psubscribe":
                    backoff.reset()
                    self._tell("connected", self.describe())
                elif message["type"] == "pmessage":
                    self._take(message["channel"], message["data"])
            elif now - heard_at > 2 * PING_S:
                raise TimeoutError
            elif now - asked_at > PING_S:
                asked_at = now
                subscription.ping()

    def _take(self, key: bytes | str, value: bytes | str) -> None:
        now = self._clock()
        if len(value) > MAX_VALUE_BYTES:
            self.counters["too_large"] += 1
            return
        try:
            meta = codec.decode_leniently(value)
        except ValueError:
            self.counters["not_json"] += 1
            return
        event = told(_shown(key[len(self._prefix) :]), meta, now)
        if event is not None:
            self._put(event, now)

    def _put(self, event: Event, now: float) -> None:
        is_progress = event.kind == "task-progress"
        if is_progress and self._inbox.is_filling:
            self.counters["dropped_progress"] += 1
        elif not self._inbox.put(Delivery([event], now, None)):
            self.counters["dropped_progress" if is_progress else "dropped_state"] += 1

    def _tell(self, action: str, message: str) -> None:
        """One line each time the state changes."""
        if self._told != action:
            self._told = action
            level = logging.INFO if action == "connected" else logging.WARNING
            logger.log(level, message, extra={"action": f"results_{action}"})


def unreadable(app: Celery) -> str | None:
    """Why stored outcomes cannot be read for repair, or None when they can."""
    backend = app.backend
    name = type(backend).__name__
    if isinstance(backend, DisabledBackend):
        return "no result backend is configured"
    if isinstance(backend, RPCBackend):
        return "the rpc:// backend answers only the client that sent the task"
    if type(backend).__module__.startswith("celery.backends.database"):
        return f"the {name} of Celery stores pickles, which are never loaded"
    if not _is_json(backend):
        return _pickled(backend)
    return None


def lookup(app: Celery, ids: Sequence[str], now: float) -> list[Event]:
    """What the result backend has stored of these tasks, as events with the hostname "".

    States that say nothing yet, unknown ids and backends that cannot be read give no event. The
    backend's own errors (its client library's) come through.
    """
    if unreadable(app) is not None:
        return []
    found = (told(task_id, meta, now) for task_id, meta in _stored(app.backend, ids))
    return [event for event in found if event is not None]


def evidence(app: Celery, ids: Sequence[str], now: float) -> list[Event]:
    """As `lookup`, each with what else was stored of the task: name, arguments, queue, worker."""
    if unreadable(app) is not None:
        return []
    return [e for task_id, meta in _stored(app.backend, ids) for e in _evidence(task_id, meta, now)]


def unsearchable(app: Celery) -> str | None:
    """Why outcomes of unknown tasks cannot be found in the result backend; None when they can."""
    if not isinstance(app.backend, RedisBackend):
        return unreadable(app) or f"{type(app.backend).__name__} cannot be searched by time"
    return unreadable(app)


def search(
    app: Celery, from_at: float, until_at: float, clock: Callable[[], float] = time.time
) -> Iterator[list[Event]]:
    """Evidence of the tasks whose outcome was stored between two instants (Unix seconds), one
    page of keys at a time, so that the caller can pace it. Only for what is not `unsearchable`.

    Values are read of keys alone that were used since then, and none beyond `MAX_VALUE_BYTES`.
    """
    backend: Any = app.backend
    prefix = _prefix(backend)
    with _client(backend) as client:
        cursor = 0
        while True:
            cursor, keys = client.scan(cursor, match=_pattern(prefix), count=SCAN_COUNT)
            now = clock()
            yield [
                event
                for key, value, used_at in _recent(client, keys, now, from_at - SLACK_S)
                for event in _within(key[len(prefix) :], value, now, from_at, until_at, used_at)
            ]
            if not cursor:
                return


def _recent(
    client: Any, keys: Sequence[Any], now: float, since: float
) -> Iterator[tuple[Any, Any, float | None]]:
    """The values of those keys that were written or read since then, and when they last were."""
    asked = client.pipeline(transaction=False)
    for key in keys:
        asked.object("idletime", key)
        asked.strlen(key)
    told = asked.execute(raise_on_error=False)
    wanted: dict[Any, float | None] = {}
    for key, idle_s, size in zip(keys, told[::2], told[1::2], strict=True):
        # Where Redis evicts by frequency it knows no idle time, and answers with an error.
        used_at = now - idle_s if isinstance(idle_s, int) else None
        is_small = isinstance(size, int) and 0 < size <= MAX_VALUE_BYTES
        if is_small and (used_at is None or used_at >= since):
            wanted[key] = used_at
    values = client.mget(list(wanted)) if wanted else ()
    return zip(wanted, values, wanted.values(), strict=True)


def _within(
    task_id: bytes | str,
    value: Any,
    now: float,
    from_at: float,
    until_at: float,
    used_at: float | None,
) -> list[Event]:
    try:
        meta = codec.decode_leniently(value or b"")
    except ValueError:
        return []
    if not isinstance(meta, Mapping):
        return []
    state = meta.get("status")
    # A retry is stored without its date.
    at = used_at if state == states.RETRY else _done_at(meta)
    if at is None or not from_at - SLACK_S <= at <= until_at + SLACK_S:
        return []
    if state != states.RETRY:
        found = _evidence(_shown(task_id), meta, now)
        return found if found and found[-1].kind != "task-progress" else []
    # It tells of its attempt what a failure would.
    found = _evidence(_shown(task_id), {**meta, "status": states.FAILURE}, now)
    return [*found[:-1], *(failed._replace(kind="task-retried", at=at) for failed in found[-1:])]


def _evidence(task_id: str, meta: object, now: float) -> list[Event]:
    """What the task is, then how it stands; nothing where that is not told."""
    event = told(task_id, meta, now)
    if event is None or not isinstance(meta, Mapping):
        return []
    words = ("name", "queue", "group_id", "parent_id")
    context: Fields = {
        **{word: events.clean(meta.get(word), events.MAX_WORD) for word in words},
        "args": events.arguments(meta.get("args"), "()"),
        "kwargs": events.arguments(meta.get("kwargs"), "{}"),
        "retries": event.fields.get("retries"),
    }
    if event.kind != "task-progress":
        worker = events.clean(meta.get("worker"), events.MAX_ID)
        event = event._replace(fields={**event.fields, "worker": worker})
    return [Event("task-context", task_id, "", 0, event.at, 0, now, context), event]


def told(task_id: str, meta: object, now: float) -> Event | None:
    """The event in a stored result; None where it tells nothing or is malformed."""
    if not isinstance(meta, Mapping) or events.clean(task_id, events.MAX_ID) != task_id:
        return None
    state = events.clean(meta.get("status"), events.MAX_WORD)
    if not state or not task_id or state in _SILENT:
        return None
    kind = _OUTCOMES.get(state, "task-progress")
    fields = _READERS.get(state, _custom)(meta)
    retries = meta.get("retries")
    if isinstance(retries, int) and not isinstance(retries, bool) and 0 <= retries < 2**31:
        fields["retries"] = retries
    return Event(kind, task_id, "", 0, _done_at(meta) or now, 0, now, fields)


def _custom(meta: Mapping[str, object]) -> Fields:
    fields = events.progress_fields(meta.get("result")) or dict(_NO_PROGRESS)
    return {**fields, "state": events.clean(meta.get("status"), events.MAX_WORD)}


def _succeeded(meta: Mapping[str, object]) -> Fields:
    shown = saferepr(meta.get("result"), maxlen=events.MAX_RESULT)
    return {"result": events.clean(shown, events.MAX_RESULT), "runtime": None}


def _failed(meta: Mapping[str, object]) -> Fields:
    return {
        "exception": events.clean(_exception(meta.get("result")), events.MAX_EXCEPTION),
        "traceback": events.tail(meta.get("traceback"), events.MAX_TRACEBACK),
    }


def _revoked(meta: Mapping[str, object]) -> Fields:
    # The reason is the error's only argument (source: `celery.worker.request.Request.revoked`).
    shown = _exception(meta.get("result")) or ""
    return {"expired": "'expired'" in shown, "terminated": "'terminated'" in shown}


_READERS: Mapping[str, Callable[[Mapping[str, object]], Fields]] = {
    states.SUCCESS: _succeeded,
    states.FAILURE: _failed,
    states.REVOKED: _revoked,
}


def _exception(value: object) -> str | None:
    """`Type(arguments)`, as Celery's events show an exception."""
    if not isinstance(value, Mapping):
        return None if value is None else saferepr(value, maxlen=events.MAX_EXCEPTION)
    name, message = value.get("exc_type"), value.get("exc_message")
    if not isinstance(name, str):
        return None
    arguments = message if isinstance(message, list | tuple) else [message]
    shown = (saferepr(argument, maxlen=events.MAX_EXCEPTION) for argument in arguments)
    return f"{name}({', '.join(shown)})"


def _done_at(meta: Mapping[str, object]) -> float | None:
    done = meta.get("date_done")
    at = events.instant(done if isinstance(done, str) or done is None else str(done))
    return at if at is not None and 0 <= at < events.MAX_AT else None


def _stored(backend: Any, ids: Sequence[str]) -> Iterator[tuple[str, object]]:
    if not isinstance(backend, BaseKeyValueStoreBackend):
        for task_id in ids:
            yield task_id, backend.get_task_meta(task_id, cache=False)
        return
    # Raw values: decoding through the backend would make exceptions of the classes they name.
    keys = [backend.get_key_for_task(task_id) for task_id in ids]
    try:
        found = backend.mget(keys)
        values = [found.get(key) for key in keys] if isinstance(found, Mapping) else found
    except NotImplementedError:
        values = [backend.get(key) for key in keys]
    for task_id, value in zip(ids, values, strict=True):
        if isinstance(value, bytes | str) and len(value) <= MAX_VALUE_BYTES:
            try:
                yield task_id, codec.decode_leniently(value)
            except ValueError:
                continue


def _prefix(backend: Any) -> bytes | str:
    """What the key of every stored result begins with."""
    key: bytes | str = backend.get_key_for_task("x")
    return key[:-1]


@contextmanager
def _client(backend: Any) -> Iterator[Any]:
    """A client of one's own to a Redis backend."""
    timeouts = {"socket_timeout": PING_S, "socket_connect_timeout": PING_S}
    # The backend's own way to a client: it knows TLS, Sentinel and credential providers.
    make = backend._create_client  # noqa: SLF001
    client = make(**{**backend.connparams, **timeouts})
    try:
        yield client
    finally:
        client.connection_pool.disconnect()


def _is_json(backend: Any) -> bool:
    return bool(backend.content_type == "application/json")


def _pickled(backend: Any) -> str:
    return f"result_serializer is {backend.serializer}; only json is read"


def _pattern(prefix: bytes | str) -> str:
    """Redis' pattern of what begins with this text, whose special characters stay literal."""
    return re.sub(r"([*?\[\]\\^])", r"\\\1", _shown(prefix)) + "*"


def _shown(key: bytes | str) -> str:
    return key.decode("utf-8", "replace") if isinstance(key, bytes) else key
