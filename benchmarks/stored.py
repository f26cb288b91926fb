"""Fills the database of the standalone server's settings with tasks as a shop's cluster has them.

    HEADWAY_DATABASE_URL=.. python -m benchmarks.stored 1000000

They are written as a receiver writes them, rollups and failure groups included. Then PostgreSQL
does at once what it else does in the background, minutes after so many rows. A history is as
dense whatever its length, so what is asked about the last hour costs the same; `RARE` tasks, spread
over all of it, are like no others in every column that can be asked for.
"""

import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import django

from benchmarks.harness import say
from realtime import testing
from realtime.core.lifecycle import fold
from realtime.core.task import Task
from realtime.core.watched import Queue
from realtime.core.workers import Worker
from realtime.ports import Changes
from realtime.tally import Tally

NOW = 1_795_000_000.0
"""When the newest task was seen; a history ends there, whenever it is asked."""
PER_S = 10.0
RARE = 5
WORKERS = tuple(f"celery@web{n}" for n in range(1, 17))
RARE_WORKER = "celery@museum"
QUEUES = ("default", "mail", "images", "reports", "search")
_MODULES = ("shop.orders", "shop.mail", "shop.images", "billing.invoices", "search.index")
_VERBS = ("charge", "send", "resize", "refresh", "import_all", "clean_up")
NAMES = tuple(f"{module}.{verb}" for verb in _VERBS for module in _MODULES)
"""The first are asked to run far more often than the last."""
OPEN = {"queued": 500, "reserved": 100, "running": 60, "scheduled": 40}
"""Not over yet, among the newest."""
ERRORS = (
    ("CardError", "Card {n} declined by the bank"),
    ("TimeoutError", "No answer from 10.0.{n}.7 after 30 s"),
    ("KeyError", "'customer_{n}'"),
    ("ConnectionResetError", "Peer {n} went away"),
)
_BATCH = 2_000


class Kind(NamedTuple):
    """A task as it would be at NOW, to be moved in time and given a name of its own."""

    task: Task
    weight: float


def tasks(total: int, seed: int = 7) -> Iterator[Task]:
    """So many tasks, the oldest first, the same ones for the same seed."""
    chance = random.Random(seed)  # noqa: S311
    kinds = [kind for n, name in enumerate(NAMES) for kind in _kinds(name, 1 / (n + 1))]
    templates, weights = [each.task for each in kinds], [each.weight for each in kinds]
    rare, each_rare = _rare(), max(total // RARE, 1)
    unfinished = [_open(status, n) for status, many in OPEN.items() for n in range(many)]
    first_open = total - len(unfinished)
    root = ""
    for number in range(total):
        id_ = _id(chance)
        at = NOW - (total - number) / PER_S
        if number % 20 == 0:
            root = id_
        if number % each_rare == each_rare // 2:
            yield _moved(rare, id_, at, number)
        elif number >= first_open:
            yield _moved(unfinished[number - first_open], id_, at, number)
        else:
            [template] = chance.choices(templates, weights)
            known = {"root_id": root, "parent_id": root} if root != id_ else {"root_id": id_}
            yield replace(_moved(template, id_, at, number), **known)


def workers() -> list[Worker]:
    """Those that the tasks name, all of them online."""
    return [
        Worker(
            name=name,
            first_seen_at=NOW - 86_400,
            last_heartbeat_at=NOW,
            state="online",
            concurrency=8,
            pool="prefork",
            queues=QUEUES,
        )
        for name in (*WORKERS, RARE_WORKER)
    ]


def fill(total: int) -> None:
    """Write them into the default database, which is migrated and empty."""
    from dashboard.store import Store

    store, tally = Store(), Tally()
    if not store.acquire("benchmark", "benchmark", NOW, 1e9):
        raise RuntimeError("Another receiver holds the lease of this database.")
    queues = [Queue(name=name, first_seen_at=NOW, measured_at=NOW, depth=9) for name in QUEUES]
    store.commit("benchmark", Changes(workers=workers(), queues=queues))
    batch: list[Task] = []
    for number, task in enumerate(tasks(total), start=1):
        batch.append(task)
        if len(batch) == _BATCH or number == total:
            counted = tally.count((None, each) for each in batch)
            store.commit("benchmark", Changes(tasks=batch, counted=counted))
            tally.written(counted)
            store.add_up("benchmark", batch[-1].updated_at)
            batch = []
            if number % 100_000 == 0:
                say(f"{number} tasks stored")
    store.beat("benchmark", NOW, 1e9, {})
    store.close()
    _settle()


def _settle() -> None:
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
            cursor.execute("CHECKPOINT")


def _kinds(name: str, often: float) -> list[Kind]:
    """How tasks of this name go: most succeed, some after a retry, some fail."""
    made = []
    for n in range(8):
        outcome = "retried" if n == 6 else "failed" if n == 7 else "succeeded"
        weight = often * {"retried": 0.02, "failed": 0.04}.get(outcome, 0.94 / 6)
        made.append(Kind(_ended(name, outcome, n), weight))
    return made


def _ended(name: str, outcome: str, n: int) -> Task:
    place = NAMES.index(name)
    worker, wait_s, runtime_s = WORKERS[(place + n * 3) % len(WORKERS)], 0.05 * n, 0.1 + n * place
    began = {**_announced(name, place), "hostname": worker}
    history = [
        testing.task_sent(
            "x", at=NOW - 1, queue=QUEUES[place % len(QUEUES)], **_announced(name, place)
        ),
        testing.task_received("x", at=NOW, **began),
        testing.task_started("x", at=NOW + wait_s, hostname=worker),
    ]
    if outcome == "retried":
        type_, text = ERRORS[place % len(ERRORS)]
        told = f"{type_}({text.format(n=place)!r})"
        history += [
            testing.task_retried("x", at=NOW + wait_s + 1, hostname=worker, exception=told),
            testing.task_received("x", at=NOW + wait_s + 2, **began, retries=1),
            testing.task_started("x", at=NOW + wait_s + 3, hostname=worker),
        ]
    end = {"at": NOW + wait_s + runtime_s + 3, "hostname": worker, "runtime": runtime_s}
    if outcome == "failed":
        type_, text = ERRORS[place % len(ERRORS)]
        told = f"{type_}({text.format(n=place)!r})"
        frames = f'  File "/srv/shop/{name.replace(".", "/")}.py", line {place}, in run\n'
        trace = (
            f"Traceback (most recent call last):\n{frames * 12}{type_}: {text.format(n=place)}\n"
        )
        end.pop("runtime")
        history.append(testing.task_failed("x", exception=told, traceback=trace, **end))
    else:
        history.append(testing.task_succeeded("x", result="{'ok': True}", **end))
    if n == 1:
        history.append(testing.task_context("x", at=NOW, owner=f"user{place}", label=f"Job {name}"))
    return fold(None, map(testing.checked, history), NOW)


def _announced(name: str, place: int) -> dict[str, object]:
    kwargs = f"{{'customer': 'c{place}', 'amount': '9.90', 'currency': 'EUR'}}"
    return {"name": name, "args": "(4812,)", "kwargs": kwargs}


def _open(status: str, n: int) -> Task:
    name = NAMES[n % len(NAMES)]
    place, worker = NAMES.index(name), WORKERS[n % len(WORKERS)]
    told = _announced(name, place)
    queue = QUEUES[place % len(QUEUES)]
    history = [testing.task_sent("x", at=NOW, queue=queue, **told)]
    if status == "scheduled":
        history = [
            testing.task_sent("x", at=NOW, queue=queue, **told, eta="2030-01-01T00:00:00+00:00")
        ]
    if status in ("reserved", "running"):
        history.append(testing.task_received("x", at=NOW, hostname=worker, **told))
    if status == "running":
        history.append(testing.task_started("x", at=NOW, hostname=worker))
        history.append(testing.task_progress("x", 3, 10, at=NOW, hostname=worker))
    return fold(None, map(testing.checked, history), NOW)


def _rare() -> Task:
    told = {
        "name": "museum.restoration.varnish",
        "args": "('gouache', 31415)",
        "kwargs": "{'painter': 'Vermeer', 'layers': 3}",
    }
    worker = {"hostname": RARE_WORKER}
    history = [
        testing.task_sent("x", at=NOW - 900, queue="museum", priority=9, **told),
        testing.task_context(
            "x",
            at=NOW - 900,
            owner="zoe",
            label="Girl with a pearl earring",
            priority=9,
            group="museum-group",
            queue="museum",
        ),
        testing.task_received("x", at=NOW, **worker, **told, retries=7),
        testing.task_started("x", at=NOW + 1, **worker),
        testing.task_failed(
            "x",
            at=NOW + 5000,
            **worker,
            exception="PigmentError('lead white turned brown')",
            traceback='Traceback\n  File "/srv/museum.py", line 1, in varnish\nPigmentError: x\n',
        ),
    ]
    return fold(None, map(testing.checked, history), NOW)


def _moved(task: Task, id_: str, at: float, number: int) -> Task:
    """The task as another one, first seen then."""
    by = at - task.first_seen_at
    return replace(
        task,
        id=id_,
        first_seen_at=at,
        updated_at=task.updated_at + by,
        marks=tuple([mark._replace(at=mark.at + by) for mark in task.marks]),
        args=[number, *task.args[1:]] if task.name in NAMES else task.args,
        sent_at=_later(task.sent_at, by),
        received_at=_later(task.received_at, by),
        started_at=_later(task.started_at, by),
        finished_at=_later(task.finished_at, by),
    )


def _later(at: float | None, by: float) -> float | None:
    return None if at is None else at + by


def _id(chance: random.Random) -> str:
    """As `uuid.uuid4`, which takes no seed."""
    text = f"{chance.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def main(arguments: Sequence[str]) -> None:
    """Fill the database."""
    django.setup()
    fill(int(arguments[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
