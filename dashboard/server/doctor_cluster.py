"""What the doctor asks a Celery cluster: broker, workers, events, results, clocks."""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from celery import Celery
from celery.events import EventReceiver

from dashboard.server.doctor import Check, Finding
from realtime import broker, results

REPLY_S = 2.0
"""A worker that is alive answers within this, also over a slow line."""
BEAT_S = 4.5
"""Two heartbeats of a worker with Celery's default of 2 s, and half of one."""
SKEW_WARN_S = 1.0
"""From here on, waits and runtimes across machines are visibly wrong."""
SENT = "task_send_sent_event"
EXTENDED = "result_extended"


class _AsStamped(EventReceiver):
    """Celery's own would move timestamps by the difference of two machines' time zones, as if
    they were not Unix seconds."""

    def event_from_message(
        self, body: Any, localize: bool = False, *args: Any, **kwargs: Any
    ) -> Any:
        """The event with the timestamp that its sender gave it."""
        return super().event_from_message(body, False, *args, **kwargs)


class Cluster:
    """The checks of one cluster; `checks` are to be run in order, on one thread."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._is_reachable = False
        self._confs: dict[str, dict[str, Any]] = {}

    def checks(self) -> tuple[tuple[str, Check], ...]:
        """Each with the subject that it is about."""
        return (
            ("broker", self._broker),
            ("workers", self._workers),
            ("task events", self._events),
            (SENT, self._sent),
            ("result backend", self._backend),
            ("clocks", self._clocks),
        )

    def _broker(self) -> Iterator[Finding]:
        link = broker.connection(self._app)
        address = link.as_uri()
        started = time.monotonic()
        try:
            with link:
                broker.connect(link)
        except Exception as error:  # noqa: BLE001 - a transport raises what it likes
            why = " ".join(str(error).split()) or type(error).__name__
            yield Finding(
                "fail",
                "broker",
                f"{address} does not answer: {why}",
                "--broker (HEADWAY_BROKER_URL), or broker_url in the app of --app",
            )
            return
        self._is_reachable = True
        took_ms = (time.monotonic() - started) * 1000
        yield Finding("ok", "broker", f"{address} answers in {took_ms:.0f} ms")

    def _workers(self) -> Iterator[Finding]:
        if not self._is_reachable:
            yield _untried("workers")
            return
        self._confs = {name: dict(conf) for name, conf in self._ask("conf").items()}
        if self._confs:
            yield Finding("ok", "workers", _names(self._confs))
            return
        yield Finding(
            "fail",
            "workers",
            f"none answered within {REPLY_S:.0f} s",
            "start one on this broker: celery -A proj worker -E",
        )

    def _events(self) -> Iterator[Finding]:
        """Asks the workers to send events, as every receiver does: their answer says how it was."""
        if not self._confs:
            yield _untried("task events")
            return
        answers = self._ask("enable_events")
        were_off = [name for name, told in answers.items() if "already" not in str(told)]
        if were_off:
            yield Finding(
                "warn",
                "task events",
                f"were off at {_names(were_off)}; switched on until their next restart",
                "start the workers with -E, or set worker_send_task_events = True",
            )
        else:
            yield Finding("ok", "task events", "on at every worker")

    def _sent(self) -> Iterator[Finding]:
        if not self._setting(SENT):
            yield Finding(
                "warn",
                SENT,
                "is off: a task is not seen while it waits, only once a worker takes it",
                f"app.conf.{SENT} = True, in the processes that send tasks too",
            )
        else:
            yield Finding("ok", SENT, "is on")

    def _backend(self) -> Iterator[Finding]:
        backend = self._app.backend
        why_not = results.unreadable(self._app)
        if why_not is not None:
            yield Finding(
                "warn",
                "result backend",
                f"{why_not}: what ends while Headway is away stays unknown",
                "--result-backend redis://.. (HEADWAY_RESULT_BACKEND), or result_backend",
            )
            return
        results.lookup(self._app, ["headway-check"], time.time())
        yield Finding("ok", "result backend", f"{backend.as_uri()} can be read")
        if not self._setting(EXTENDED):
            yield Finding(
                "warn",
                EXTENDED,
                "is off: a task repaired from the backend has no name and no arguments",
                f"app.conf.{EXTENDED} = True, at the workers",
            )
        else:
            yield Finding("ok", EXTENDED, "is on")

    def _clocks(self) -> Iterator[Finding]:
        if not self._confs:
            yield _untried("clocks")
            return
        offsets = self._offsets()
        if not offsets:
            yield Finding(
                "warn",
                "clocks",
                f"no worker's heartbeat came within {BEAT_S:.0f} s",
                "start the workers without --without-heartbeat",
            )
        for name, offset_s in sorted(offsets.items()):
            if abs(offset_s) >= SKEW_WARN_S:
                yield Finding(
                    "warn",
                    "clocks",
                    f"{name} is {offset_s:+.1f} s off: its waits and runtimes are wrong by that",
                    "set the clock of that machine by NTP (chrony, systemd-timesyncd)",
                )
            else:
                yield Finding("ok", "clocks", f"{name} is {offset_s * 1000:+.0f} ms off")

    def _offsets(self) -> dict[str, float]:
        """The clock of each worker minus ours, in seconds, by its heartbeats."""
        offsets: dict[str, float] = {}
        deadline = time.monotonic() + BEAT_S
        with broker.connection(self._app) as link:
            broker.connect(link)
            receiver = _AsStamped(link, app=self._app)

            def heard(event: dict[str, Any]) -> None:
                if event.get("type") == "worker-heartbeat":
                    offsets[event["hostname"]] = event["timestamp"] - time.time()
                is_all = offsets.keys() >= self._confs.keys()
                receiver.should_stop = is_all or time.monotonic() >= deadline

            receiver.handlers["*"] = heard
            with contextlib.suppress(TimeoutError):
                receiver.capture(limit=None, timeout=BEAT_S, wakeup=False)
        return offsets

    def _ask(self, command: str) -> dict[str, Any]:
        """What each worker answers to a remote control command."""
        with broker.connection(self._app, is_writer=True) as link:
            broker.connect(link)
            mailbox = broker.mailbox(self._app, link)
            replies = mailbox.multi_call(command, timeout=REPLY_S) or []
        return {name: answer for reply in replies for name, answer in reply.items()}

    def _setting(self, name: str) -> bool:
        """As the workers have it, where they told; else as our copy of the app has it."""
        if self._confs:
            return all(conf.get(name, False) for conf in self._confs.values())
        return bool(self._app.conf[name])


def _names(names: Any) -> str:
    listed = sorted(names)
    shown = ", ".join(listed[:5])
    return shown if len(listed) <= 5 else f"{shown} and {len(listed) - 5} more"


def _untried(subject: str) -> Finding:
    return Finding("warn", subject, "not tried, for the reason above")
