"""Whole lives of a task as a Celery cluster would tell them, for property tests.

Each history is a list of events with the state that Celery's own backend would end in. Clients
and workers have clocks of their own, hours apart; some events never arrive.
"""

from dataclasses import dataclass, field

from hypothesis import strategies as st

from realtime.core.events import Event, parse

RECEIVED_AT = 2_000_000.0
TASK_ID = "8f0c2f7e-0000-4000-8000-000000000001"


@dataclass
class Host:
    """A process that stamps events: its own name, clock offset and logical clock."""

    name: str
    pid: int
    skew_s: float
    clock: int = 1


@dataclass
class History:
    """What was sent, in true order, and how it ended."""

    events: list[Event] = field(default_factory=list)
    state: str = "PENDING"

    def tell(self, host: Host, true_at: float, kind: str, **fields: object) -> None:
        """`host` stamps an event at the true time `true_at`."""
        host.clock += 1
        raw = {
            "type": kind,
            "uuid": TASK_ID,
            "hostname": host.name,
            "pid": host.pid,
            "timestamp": true_at + host.skew_s,
            "clock": host.clock,
            **fields,
        }
        event = parse(raw, RECEIVED_AT)
        assert isinstance(event, Event), event
        self.events.append(event)


ERROR = {"exception": "ValueError('no 12')", "traceback": "Traceback ..."}


@st.composite
def hosts(draw: st.DrawFn, name: str) -> Host:
    """A host whose clock is off by up to two hours, in a container that reuses its number."""
    return Host(name, draw(st.sampled_from([1, 7, 4127])), draw(st.floats(-7200, 7200)))


@st.composite
def histories(draw: st.DrawFn, may_lose_announcements: bool = True) -> History:
    """The life of one task: some attempts that are retried, then how it ended (or did not)."""
    history = History()
    client = draw(hosts("web@a"))
    pool = [draw(hosts("celery@a")), draw(hosts("celery@b"))]
    lossy = may_lose_announcements and draw(st.booleans())
    now = 1_000_000.0
    for retries in range(draw(st.integers(1, 4))):
        worker = draw(st.sampled_from(pool))
        announced = {"name": "shop.pay", "args": "(1,)", "kwargs": "{'a': 2}", "retries": retries}
        now += draw(st.floats(0.001, 5))
        if not (lossy and draw(st.booleans())):
            sender = client if retries == 0 else worker
            history.tell(sender, now, "task-sent", queue="media", **announced)
            history.state = "RETRY" if retries else "PENDING"
        for _ in range(draw(st.integers(0, 1))):
            worker = _dies_in_the_middle(history, worker, now, announced)
            now += 10_000
        now = draw(_attempt(history, worker, now, announced))
        if history.state != "RETRY":
            break
    return history


def _dies_in_the_middle(history: History, worker: Host, now: float, announced: dict) -> Host:
    """A worker takes the task and is killed; the message goes to a new process."""
    history.tell(worker, now + 0.1, "task-received", **announced)
    history.tell(worker, now + 0.2, "task-started")
    history.state = "STARTED"
    return Host(f"{worker.name}-new", worker.pid, worker.skew_s)


@st.composite
def _attempt(draw: st.DrawFn, history: History, worker: Host, now: float, announced: dict) -> float:
    now += draw(st.floats(0.001, 5))
    history.tell(worker, now, "task-received", **announced)
    history.state = "RECEIVED"
    end = draw(st.sampled_from(["queue", "run", "success", "failure", "retry", "revoke", "reject"]))
    if end == "queue":
        return now
    now += draw(st.floats(0.001, 5))
    history.tell(worker, now, "task-started")
    history.state = "STARTED"
    child = Host(worker.name, worker.pid + 100, worker.skew_s)
    for step in range(draw(st.integers(0, 3))):
        told = {"current": step + 1, "total": 5, "retries": announced["retries"]}
        history.tell(child, now + step * 0.01, "task-progress", **told)
    now += draw(st.floats(0.1, 5))
    if end == "success":
        history.tell(worker, now, "task-succeeded", result="'ok'", runtime=0.5)
        history.state = "SUCCESS"
    elif end == "failure":
        history.tell(worker, now, "task-failed", **ERROR)
        history.state = "FAILURE"
    elif end == "retry":
        history.tell(worker, now, "task-retried", **ERROR)
        history.state = "RETRY"
    elif end == "revoke":
        history.tell(worker, now, "task-revoked", terminated=True, signum=15, expired=False)
        history.state = "REVOKED"
    elif end == "reject":
        history.tell(worker, now, "task-rejected", requeue=False)
        history.state = "REJECTED"
    return now
