"""With what a task is to be run again: the real arguments, or none at all.

Only whole data counts: a text that Celery or we cut, or a value that was redacted, would make a
task do something else than it did.
"""

import contextlib
import json
import logging
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from celery import Celery
from celery.backends.base import BaseKeyValueStoreBackend
from celery.backends.redis import RedisBackend
from kombu.utils import json as kombu_json
from redis.backoff import NoBackoff
from redis.retry import Retry

from dashboard.redaction import REDACTED
from realtime import broker
from realtime.core.wire import Row

logger = logging.getLogger(__name__)

MAX_STORED_BYTES = 4 * 1024 * 1024
"""A stored result beyond this is not read: it would be held while the action lasts."""
TIMEOUT_S = 3.0
"""What events told of the arguments will often do: a slow backend is not waited for."""
MAX_READS = 8
"""At once in this process, those included that were given up and still wait for their backend."""
_CUT = ("...", "…")
"""How a text ends that Celery (`saferepr`) or the receiver cut."""


class Arguments(NamedTuple):
    """What a task is called with, and the name and queue where they were stored with them."""

    args: list[object]
    kwargs: dict[str, object]
    name: str | None = None
    queue: str | None = None


class NoArguments(Exception):
    """The task cannot be called again; the message is a word of `reasons`."""


class Stored:
    """What a result backend has of calls, where `result_extended` is on and results are JSON in a
    key-value store. Elsewhere nothing is found: others hand out pickles or cut texts."""

    def __init__(self, app: Celery) -> None:
        backend = _backend(app)
        is_read = isinstance(backend, BaseKeyValueStoreBackend)
        is_json = getattr(backend, "content_type", None) == "application/json"
        self._backend: Any = backend if is_read and is_json else None
        self._is_redis = isinstance(backend, RedisBackend)
        self._client: Any = None
        # kombu writes what JSON has no form for (a date) as an object. On its way back to a worker
        # it stays one, so that types of the host's own come through too.
        is_kept = app.conf.task_serializer == "json"
        self._hook = None if is_kept else kombu_json.object_hook

    def arguments(self, task_id: str) -> Arguments | None:
        """What the task was called with; None where that is not stored or cannot be asked."""
        if self._backend is None:
            return None
        try:
            value = self._get(self._backend.get_key_for_task(task_id))
        except Exception as error:  # noqa: BLE001 - a client library raises what it likes
            logger.warning(
                "The result backend cannot be asked for arguments: %s",
                broker.reason(error),
                extra={"action": "arguments_unread"},
            )
            # Not once more for each of many tasks.
            self._backend = None
            return None
        return self._read(value)

    def close(self) -> None:
        """Give up the connection."""
        if self._client is not None:
            with contextlib.suppress(Exception):
                self._client.connection_pool.disconnect()

    def _get(self, key: Any) -> Any:
        backend = self._backend
        if not self._is_redis:
            return _in_time(lambda: backend.get(key))
        if self._client is None:
            # The backend's own way to a client, but that it is asked once and not for long.
            limits: dict[str, Any] = {
                "socket_timeout": TIMEOUT_S,
                "socket_connect_timeout": TIMEOUT_S,
            }
            limits["retry"] = Retry(NoBackoff(), 0)
            make = backend._create_client  # noqa: SLF001
            self._client = make(**{**backend.connparams, **limits})
        if self._client.strlen(key) > MAX_STORED_BYTES:
            return None
        return self._client.get(key)

    def _read(self, value: Any) -> Arguments | None:
        if not isinstance(value, bytes | str) or len(value) > MAX_STORED_BYTES:
            return None
        try:
            meta = json.loads(value, object_hook=self._hook)
        except (ValueError, TypeError, KeyError, RecursionError):
            return None
        if not isinstance(meta, dict):
            return None
        args, kwargs = meta.get("args"), meta.get("kwargs")
        if not isinstance(args, list) or not isinstance(kwargs, dict):
            return None
        return Arguments(args, kwargs, _word(meta.get("name")), _word(meta.get("queue")))


_reads = threading.BoundedSemaphore(MAX_READS)


def _in_time(call: Callable[[], Any]) -> Any:
    """What the call returns or raises; TimeoutError after `TIMEOUT_S`. Other backends have limits
    of their own or none, each set in its own way, so a thread waits for them that may be left."""
    slots = _reads
    if not slots.acquire(timeout=TIMEOUT_S):
        raise TimeoutError("The result backend has not answered others either.")
    told: queue.SimpleQueue[tuple[Any, Exception | None]] = queue.SimpleQueue()

    def ask() -> None:
        try:
            told.put((call(), None))
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            told.put((None, error))
        finally:
            slots.release()

    threading.Thread(target=ask, name="headway-arguments", daemon=True).start()
    try:
        answer, error = told.get(timeout=TIMEOUT_S)
    except queue.Empty:
        raise TimeoutError(f"The result backend did not answer in {TIMEOUT_S:g} s.") from None
    if error is not None:
        raise error
    return answer


def _backend(app: Celery) -> Any:
    try:
        return app.backend
    except Exception as error:  # noqa: BLE001 - a backend of the host's that is not installed here
        logger.warning(
            "The result backend cannot be used: %s",
            broker.reason(error),
            extra={"action": "arguments_unread"},
        )
        return None


@contextlib.contextmanager
def stored(app: Celery) -> Iterator[Stored]:
    """What the application's result backend has, asked while the block lasts."""
    found = Stored(app)
    try:
        yield found
    finally:
        found.close()


def of_row(row: Row) -> Arguments:
    """What the row's own data says that the task was called with; `NoArguments` where that is not
    known whole."""
    args, kwargs = row.get("args"), row.get("kwargs")
    if REDACTED in (args, kwargs):
        raise NoArguments("redacted_arguments")
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        raise NoArguments("no_arguments")
    texts = list(_texts([args, kwargs]))
    if any(REDACTED in text for text in texts):
        raise NoArguments("redacted_arguments")
    if any(text.endswith(_CUT) for text in texts):
        raise NoArguments("no_arguments")
    return Arguments(args, kwargs)


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _texts(value: object) -> Iterator[str]:
    """Every text in it, keys included."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, list):
            waiting += item
        elif isinstance(item, dict):
            waiting += (*item, *item.values())
