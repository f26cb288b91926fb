"""Celery's events in: off the broker at once, on a thread of their own, into the inbox.

Messages are taken raw: their size is checked before anything is decoded, and only JSON is. On
AMQP the queue is ours for as long as we may be away, and a message is acknowledged after the
commit that stored it; elsewhere a message that nobody hears is gone, and the health says so.
"""

import contextlib
import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import Any

from amqp.exceptions import PreconditionFailed
from celery import Celery
from celery.events.event import get_exchange
from kombu import Consumer, Queue

from realtime import broker, envelope, probe
from realtime.acknowledging import Acknowledger, Tag
from realtime.backoff import Backoff
from realtime.core.events import MAX_ID
from realtime.envelope import Refused
from realtime.inbox import Inbox
from realtime.ports import Delivery, SourceHealth

logger = logging.getLogger(__name__)

PREFETCH = 20_000
"""Messages that RabbitMQ sends ahead of their acknowledgement. A standby acknowledges what the
leader committed ten seconds ago: less than this would hold it back at 2,000 messages a second."""
QUEUE_TTL_S = 600
"""A deployment or a reboot of the receiver takes minutes; what is older is repaired instead."""
QUEUE_EXPIRES_S = 3_600
"""The queue of a receiver that never comes back is deleted after this."""
QUEUE_MAX_BYTES = 256 * 1024 * 1024
"""What an absent receiver may cost the host's broker; the oldest events give way."""
MAX_EVENTS_A_MESSAGE = 5_000
"""Celery puts at most 24 in one."""

BLIND_AFTER_S = 5.0
DRAIN_S = 0.25
"""How long reading waits: settled messages are acknowledged, and a stop is noticed, as often."""
SAMPLE_INTERVAL_S = 60.0
"""A refused message is logged at most once in this, and never with its content."""
MAX_DEAF = 16
"""Interruptions remembered: with a backoff between them, far more than fit between two looks."""
MAX_KNOWN = 10_000
"""Workers remembered as asked for their events."""
ASKS = 3
"""A worker's first heartbeat may come before it listens to commands (of Celery's steps, Heart waits
for less than Control does), so each of its first ones is answered with the same request."""

_NOTICED = frozenset({probe.KIND, "worker-online", "worker-heartbeat", "worker-offline"})


class Stopped(Exception):
    """The receiver was asked to stop while it was reading."""


class Deaf(Exception):
    """Our probes reach the broker, and nothing comes back on this connection."""


class Receiver:
    """Hears one broker and fills one inbox. `run` blocks until `stop`; see `ports.Source`.

    `node_id` names its queue on AMQP: keep it across restarts, and give no two receivers of one
    broker the same, or they would share the events between them. `on_worker` is called with the
    hostname of a worker when it is first heard; it must not block.
    """

    def __init__(
        self,
        app: Celery,
        inbox: Inbox,
        *,
        node_id: str,
        clock: Callable[[], float] = time.time,
        enable_events: bool = True,
        on_worker: Callable[[str], None] | None = None,
    ) -> None:
        self._app = app
        self._inbox = inbox
        self._node_id = node_id
        self._clock = clock
        self._on_worker = on_worker
        self._probe = probe.Probe(app, node_id=node_id, clock=clock, enable_events=enable_events)
        link = broker.connection(app)
        self._is_durable = broker.is_amqp(link)
        self._address = broker.address(link)
        self._acknowledger = Acknowledger()
        self._held: deque[Delivery] = deque()
        self._stopping = threading.Event()
        self._backoff = Backoff()
        self._counters: Counter[str] = Counter(
            dict.fromkeys(("too_large", "not_json", "dropped_progress", "dropped_state"), 0)
        )
        self._sampled_at: dict[str, float] = {}
        self._known: dict[str, int] = {}
        self._is_connected = False
        self._connected_at = 0.0
        self._heard_at = clock()
        self._deaf_since: float | None = None
        self._deaf: deque[tuple[float, float]] = deque(maxlen=MAX_DEAF)
        self._reason: str | None = "not connected yet"
        self._told = ""
        self._beaten_at = 0.0

    @property
    def is_durable(self) -> bool:
        """Whether the broker keeps events for us while nobody reads."""
        return self._is_durable

    def run(self) -> None:
        """Hear until `stop`; the broker may come and go."""
        serializer = self._app.conf.event_serializer
        if serializer != "json":
            logger.warning(
                "event_serializer is %s: only json events are read; set event_serializer = 'json'",
                serializer,
                extra={"action": "event_serializer"},
            )
        voice = threading.Thread(target=self._probe.run, name="headway-probe", daemon=True)
        voice.start()
        try:
            while not self._stopping.is_set():
                self._try_session()
        finally:
            self._probe.stop()
            voice.join(timeout=2 * broker.TIMEOUT_S)

    def stop(self) -> None:
        """Ask `run` to acknowledge what is settled and return."""
        self._stopping.set()

    def settle(self, tags: Iterable[object]) -> None:
        """The deliveries of these tags are stored; never blocks, callable from any thread."""
        self._acknowledger.settle(tags)

    def health(self) -> SourceHealth:
        """How it stands now. On a broker that keeps nothing, a lost connection is blindness at
        once, until a probe came back; elsewhere after 5 s in which nothing was heard."""
        now = self._clock()
        since, reason = self._blindness(now)
        return SourceHealth(
            is_connected=self._is_connected,
            lag_ms=self._probe.lag_ms(now),
            blind_since=since,
            reason=reason,
            counters=dict(self._counters),
            deaf=tuple(self._deaf),
        )

    def _blindness(self, now: float) -> tuple[float | None, str | None]:
        since = self._deaf_since
        if since is None:
            # While the inbox is full we do not listen, and the broker keeps what we do not hear.
            if self._held or now - self._heard_at <= BLIND_AFTER_S:
                return None, None
            since = self._heard_at
        if self._reason is not None:
            return since, self._reason
        if self._probe.failure is not None:
            return since, f"probes cannot be sent: {self._probe.failure}"
        return since, "no event comes back from the broker"

    # The life of a connection

    def _try_session(self) -> None:
        try:
            self._session()
        except Stopped:
            return
        except Deaf:
            self._lost("nothing came back from the broker")
        except Exception as error:  # noqa: BLE001 - a transport raises what it likes
            self._lost(broker.reason(error))
        if not self._stopping.is_set():
            self._stopping.wait(self._backoff.next_s())

    def _session(self) -> None:
        with broker.connection(self._app) as link:
            broker.connect(link)
            self._consume(link)
            self._connected()
            while not self._stopping.is_set():
                self._turn(link)
            self._acknowledger.flush()

    def _consume(self, link: Any) -> None:
        channel = link.default_channel
        if self._is_durable:
            channel, queue = self._declare(link, channel)
            self._acknowledger.begin(channel)
            channel.basic_qos(0, PREFETCH, False)
            channel.basic_consume(queue.name, callback=self._take_amqp)
            return
        if hasattr(channel, "subclient"):
            envelope.tap(channel, self._take_wire)
        channel.Message = envelope.Whole
        queue = self._queue(link)
        Consumer(channel, [queue], no_ack=True, on_message=self._take_whole).consume()

    def _queue(self, link: Any) -> Queue:
        conf = self._app.conf
        ours = {
            "auto_delete": False,
            "durable": True,
            "expires": QUEUE_EXPIRES_S,
            "message_ttl": QUEUE_TTL_S,
            "max_length_bytes": QUEUE_MAX_BYTES,
        }
        celerys = {
            "auto_delete": True,
            "durable": False,
            "expires": conf.event_queue_expires,
            "message_ttl": conf.event_queue_ttl,
        }
        return Queue(
            f"{conf.event_queue_prefix}.{self._node_id}",
            exchange=get_exchange(link, name=conf.event_exchange),
            routing_key="#",
            **(ours if self._is_durable else celerys),
        )

    def _declare(self, link: Any, channel: Any) -> tuple[Any, Any]:
        """The declared queue and a channel to consume on."""
        queue = self._queue(link)(channel)
        try:
            queue.declare()
        except PreconditionFailed:
            # Another version left it with other arguments; the refusal closed the channel.
            logger.warning(
                "The queue %s has other settings; it is made anew",
                queue.name,
                extra={"action": "queue_replaced"},
            )
            channel = link.channel()
            channel.queue_delete(queue.name, if_unused=True)
            queue = self._queue(link)(channel)
            queue.declare()
        return channel, queue

    def _connected(self) -> None:
        self._is_connected = True
        self._connected_at = self._clock()
        self._reason = None
        self._probe.forget()
        self._probe.ask_all()
        self._tell(logging.INFO, "connected", "Listening to %s", self._address)

    def _lost(self, reason: str) -> None:
        was_connected, self._is_connected = self._is_connected, False
        self._held.clear()
        if was_connected and not self._is_durable and self._deaf_since is None:
            # What came until then may have lain in a buffer for as long as we stood still; a probe
            # that came back was sent by a known clock, and nothing before it was lost.
            self._deaf_since = min(self._heard_at, self._probe.returned_from or self._heard_at)
        self._reason = f"the broker cannot be reached: {reason}"
        if self._stopping.is_set():
            return
        advice = "Cannot listen to %s: %s; trying again"
        self._tell(logging.WARNING, "unreachable", advice, self._address, reason)

    def _tell(self, level: int, action: str, message: str, *values: object) -> None:
        """One line each time the state changes."""
        if self._told != action:
            self._told = action
            logger.log(level, message, *values, extra={"action": f"receiver_{action}"})

    # While connected

    def _turn(self, link: Any) -> None:
        if self._is_durable:
            self._acknowledger.flush()
        if self._held:
            self._hand_over()
        else:
            with contextlib.suppress(TimeoutError):
                link.drain_events(timeout=DRAIN_S)
        self._tend(link)

    def _hand_over(self) -> None:
        """Wait for room in the inbox; the broker keeps the rest meanwhile."""
        if self._inbox.put(self._held[0], timeout_s=DRAIN_S):
            self._held.popleft()

    def _tend(self, link: Any) -> None:
        """Once a second: show the broker that we live, and see whether it does."""
        now = self._clock()
        if 0 <= now - self._beaten_at < 1.0:
            return
        self._beaten_at = now
        if self._held:
            # Nothing is read now, so only our own side of the heartbeat means something.
            link.connection.send_heartbeat()
            return
        if self._is_durable:
            link.heartbeat_check()
        waiting_since = self._probe.waiting_since()
        is_late = waiting_since is not None and now - waiting_since > BLIND_AFTER_S
        if is_late and now - self._heard_at > BLIND_AFTER_S:
            raise Deaf

    # One message

    def _take_wire(self, wire: bytes) -> None:
        if self._stopping.is_set():
            # kombu reads on for as long as there is something to read.
            raise Stopped
        self._take(None, envelope.unpack, wire)

    def _take_whole(self, message: Any) -> None:
        self._take(None, envelope.unwrap, message.envelope)

    def _take_amqp(self, message: Any) -> None:
        told = message.properties
        tag = self._acknowledger.tag(message.delivery_tag)
        headers = told.get("application_headers")
        self._take(tag, envelope.read, message.body, told.get("content_type"), headers)

    def _take(self, tag: Tag | None, read: Callable[..., object], *message: object) -> None:
        now = self._heard_at = self._clock()
        if now - self._connected_at > BLIND_AFTER_S:
            self._hears_again(now)
        try:
            events = self._noticed(read(*message), now)
        except Refused as refused:
            self._count(str(refused), 1, "Messages were refused")
            events = []
        if events:
            self._deliver(Delivery(events, now, tag))
        elif tag is not None:
            self._acknowledger.settle((tag,))

    def _noticed(self, told: object, now: float) -> list[object]:
        """The events of a message, without our own probes; news of workers is acted on."""
        batch: list[Any] = told if isinstance(told, list) else [told]
        if len(batch) > MAX_EVENTS_A_MESSAGE:
            raise Refused("too_large")
        events: list[object] = []
        for event in batch:
            kind = event.get("type") if isinstance(event, dict) else None
            if isinstance(kind, str) and kind in _NOTICED:
                if kind == probe.KIND:
                    self._hear_probe(event, now)
                    continue
                self._hear_worker(kind, event.get("hostname"))
            events.append(event)
        return events

    def _hears_again(self, now: float) -> None:
        since, self._deaf_since = self._deaf_since, None
        if since is not None:
            self._deaf.append((since, now))

    def _hear_probe(self, event: dict[str, object], now: float) -> None:
        if self._probe.returned(event, now):
            self._hears_again(now)
            self._backoff.reset()

    def _hear_worker(self, kind: str, hostname: object) -> None:
        if not isinstance(hostname, str) or not 0 < len(hostname) <= MAX_ID:
            return
        if kind != "worker-heartbeat":
            # A new process under an old name was not asked for anything yet.
            self._known.pop(hostname, None)
        if kind == "worker-offline":
            return
        asks = self._known.get(hostname, 0)
        if asks >= ASKS:
            return
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        self._known[hostname] = asks + 1
        self._probe.ask(hostname)
        if not asks and self._on_worker is not None:
            self._on_worker(hostname)

    def _deliver(self, delivery: Delivery) -> None:
        if self._is_durable:
            if self._held or not self._inbox.put(delivery):
                self._held.append(delivery)
            return
        # Nothing waits for us there: progress gives way first, since the next report replaces it.
        if self._inbox.is_filling:
            delivery = self._without_progress(delivery)
        if delivery.events and not self._inbox.put(delivery):
            delivery = self._without_progress(delivery)
            self._count("dropped_state", len(delivery.events), "The inbox is full")

    def _without_progress(self, delivery: Delivery) -> Delivery:
        kept = [event for event in delivery.events if not _is_progress(event)]
        dropped = len(delivery.events) - len(kept)
        if dropped:
            self._count("dropped_progress", dropped, "The inbox is nearly full")
        return delivery._replace(events=kept)

    def _count(self, counter: str, number: int, message: str) -> None:
        if not number:
            return
        self._counters[counter] += number
        now = self._clock()
        if now - self._sampled_at.get(counter, 0.0) >= SAMPLE_INTERVAL_S:
            self._sampled_at[counter] = now
            total = self._counters[counter]
            logger.warning("%s: %s, %d so far", message, counter, total, extra={"action": counter})


def _is_progress(event: object) -> bool:
    return isinstance(event, dict) and event.get("type") == "task-progress"
