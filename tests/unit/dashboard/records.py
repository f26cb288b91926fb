"""Hypothesis strategies for whatever the store may be handed."""

from dataclasses import replace

from hypothesis import strategies as st

from realtime.core.events import Event
from realtime.core.progress import Progress
from realtime.core.task import Mark, Task
from realtime.core.workers import Worker

texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=12)
numbers = st.floats(allow_nan=False, allow_infinity=False)
instants = st.floats(0, 4e9)
counts = st.integers(0, 2**31 - 1)


def maybe(strategy):
    return st.none() | strategy


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
details = st.fixed_dictionaries(
    {},
    optional={
        "result": maybe(texts),
        "exception": maybe(texts),
        "traceback": maybe(texts),
        "runtime": maybe(instants),
        "eta": instants,
        "expired": st.booleans(),
    },
)
marks = st.builds(
    Mark,
    at=instants,
    clock=st.integers(0, 2**62 - 1),
    kind=st.sampled_from(("sent", "received", "started", "succeeded", "failed", "retried")),
    hostname=texts,
    pid=counts,
    retries=maybe(counts),
    detail=details,
)
_own_progresses = st.builds(
    Progress,
    retries=counts,
    at=instants,
    clock=counts,
    current=maybe(numbers),
    total=maybe(st.floats(0, 1e9)),
    unit=maybe(texts),
    message=maybe(texts),
    stage=maybe(texts),
    stages=maybe(st.lists(texts, min_size=1, max_size=3).map(tuple)),
    state=maybe(texts),
    furthest=st.dictionaries(texts, st.floats(0, 1), max_size=3),
)
_parts = st.dictionaries(texts, st.floats(0, 1e9), min_size=1, max_size=3)
progresses = _own_progresses | st.builds(replace, _own_progresses, parts=_parts, parts_at=instants)
_words = (
    *("name", "conclusion", "reason", "queue", "worker", "result", "exception", "traceback"),
    *("signature", "root_id", "parent_id", "group_id", "owner", "label"),
)
_instants = (
    *("eta", "expires", "retry_at", "sent_at", "received_at", "started_at", "finished_at"),
    *("wait", "runtime"),
)
tasks = st.builds(
    Task,
    id=texts.filter(bool),
    first_seen_at=instants,
    updated_at=instants,
    marks=st.lists(marks, max_size=4).map(tuple),
    progress=maybe(progresses),
    ranks=st.dictionaries(texts, numbers | counts, max_size=3),
    args=maybe(texts) | st.lists(plain, max_size=3),
    kwargs=maybe(texts) | st.dictionaries(texts, plain, max_size=3),
    priority=maybe(counts),
    time_limit=maybe(instants),
    retries=counts,
    state=texts,
    status=st.sampled_from(("queued", "running", "completed")),
    **{name: maybe(texts) for name in _words},
    **{name: maybe(instants) for name in _instants},
)
workers = st.builds(
    Worker,
    name=texts.filter(bool),
    first_seen_at=instants,
    last_heartbeat_at=instants,
    state=st.sampled_from(("online", "silent", "gone")),
    pid=counts,
    pid_since=instants,
    stamped_at=instants,
    freq=maybe(instants),
    active=counts,
    processed=counts,
    loadavg=maybe(st.tuples(instants, instants, instants)),
    clock_offset=maybe(numbers),
    sw_ident=maybe(texts),
    sw_ver=maybe(texts),
    sw_sys=maybe(texts),
    pool=maybe(texts),
    concurrency=maybe(counts),
    queues=maybe(st.lists(texts, max_size=2).map(tuple)),
    inspected_at=maybe(instants),
    is_offline=st.booleans(),
)


def event(kind: str, id: str = "t1", **fields: object) -> Event:  # noqa: A002
    """One event as the core checked it."""
    return Event(kind, id, "celery@web1", 100, 1000.0, 1, 1000.0, fields)
