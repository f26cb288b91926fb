"""Asks the database of the standalone server's settings, which `benchmarks.stored` filled, what
`benchmarks.history` wants to know, and tells how long each answer took."""

import json
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from typing import Any, NamedTuple

import django

from benchmarks.harness import say
from benchmarks.sockets import percentile
from benchmarks.stored import NOW

INDEXED, BOUNDED = "by index", "bounded"
KINDS = ("rare", "common", "absent")
TAGS = 200


class Term(NamedTuple):
    """One way to ask: with a value that few tasks have, that many have, and that none has."""

    rare: str
    common: str
    absent: str
    how: str = INDEXED


class Known(NamedTuple):
    """What only the database can tell of its tasks."""

    id: str
    """Of a task in the middle of the history."""
    root: str
    newest: str
    rare: str
    signature: str
    rare_signature: str
    until: str


def terms(known: Known) -> Mapping[str, Term]:
    """Each term of the language (docs/reference/query.md) by what it is."""
    middle, none = known.id[9:13] + known.id[14:16], "zz9-no-such"
    return {
        "nothing": Term("", "", ""),
        "status:": Term("status:scheduled", "status:completed", "status:stalled"),
        "conclusion:": Term("conclusion:failed", "conclusion:succeeded", "conclusion:rejected"),
        "name:": Term("name:museum.restoration.varnish", "name:shop.orders.charge", f"name:{none}"),
        "name:x*": Term("name:museum.*", "name:shop.*", f"name:{none}*"),
        "name:*x*": Term("name:*varnish*", "name:*orders*", f"name:*{none}*"),
        "queue:": Term("queue:museum", "queue:mail", f"queue:{none}"),
        "queue:*x*": Term("queue:*useu*", "queue:*mail*", f"queue:*{none}*"),
        "worker:": Term("worker:celery@museum", "worker:celery@web1", f"worker:{none}"),
        "worker:*x*": Term("worker:*museum", "worker:*web*", f"worker:*{none}*"),
        "id:": Term(f"id:{known.id}", f"id:{known.newest}", f"id:{none}"),
        "id:x*": Term(f"id:{known.id[:8]}*", f"id:{known.id[:4]}*", f"id:{none}*"),
        "id:xx*": Term(f"id:{known.id[:3]}*", f"id:{known.id[:2]}*", "id:zz*", BOUNDED),
        "id:*x*": Term(f"id:*{middle}*", f"id:*{middle[:1]}*", f"id:*{none}*", BOUNDED),
        "root:": Term(f"root:{known.root}", f"root:{known.rare}", f"root:{none}"),
        "root:x*": Term(f"root:{known.root[:8]}*", f"root:{known.root[:1]}*", f"root:{none}*"),
        "parent:": Term(f"parent:{known.root}", f"parent:{known.rare}", f"parent:{none}"),
        "group:": Term("group:museum-group", "group:museum-group", f"group:{none}"),
        "owner:": Term("owner:zoe", "owner:user0", f"owner:{none}"),
        "owner:x*": Term("owner:z*", "owner:user*", f"owner:{none}*"),
        "label:": Term(
            'label:"Girl with a pearl earring"',
            'label:"Job shop.orders.charge"',
            f"label:{none}",
        ),
        "label:*x*": Term("label:*pearl*", "label:*shop*", f"label:*{none}*"),
        "error:": Term("error:PigmentError", "error:CardError", "error:NoSuchError"),
        "error:*x*": Term("error:*brown*", "error:*declined*", f"error:*{none}*"),
        "signature:": Term(
            f"signature:{known.rare_signature}", f"signature:{known.signature}", f"signature:{none}"
        ),
        "a word": Term("varnish", "orders", none),
        "a word of a text": Term("turned", "declined", "gremlins"),
        "a whole id": Term(known.id, known.newest, known.id[::-1]),
        "a part of an id": Term(middle[:4], middle[:1], "deadbeefcafe", BOUNDED),
        "two words": Term("varnish turned", "shop orders", f"orders {none}"),
        "state:": Term("state:RECEIVED", "state:SUCCESS", "state:REVOKED", BOUNDED),
        "runtime:": Term("runtime:>1h", "runtime:>1s", "runtime:>1w", BOUNDED),
        "wait:": Term("wait:>10m", "wait:>100ms", "wait:>1w", BOUNDED),
        "retries:": Term("retries:7", "retries:0", "retries:>90", BOUNDED),
        "priority:": Term("priority:9", "priority:0..9", "priority:4", BOUNDED),
        "has:": Term("has:progress", "has:retries", "has:eta", BOUNDED),
        "arg:": Term("arg:31415", "arg:EUR", f"arg:{none}", BOUNDED),
        "kwarg.NAME:": Term("kwarg.painter:Vermeer", "kwarg.currency:EUR", "kwarg.x:1", BOUNDED),
        "since:": Term("since:10s", "since:90d", "since:1ms"),
        "until:": Term(f"until:{known.until}", "until:10s", "until:2020-01-01"),
        "name: since:": Term(
            "name:museum.restoration.varnish since:90d",
            "name:shop.orders.charge since:10m",
            f"name:{none} since:1h",
        ),
        "name: conclusion:": Term(
            "name:museum.restoration.varnish conclusion:failed",
            "name:shop.orders.charge conclusion:failed",
            "name:shop.orders.charge conclusion:rejected",
        ),
        "name: queue:": Term(
            "name:museum.restoration.varnish queue:museum",
            "name:shop.orders.charge queue:default",
            "name:shop.orders.charge queue:search",
            BOUNDED,
        ),
        "-name:": Term("-status:completed", "-name:shop.orders.charge", "-name:*", BOUNDED),
    }


class Question(NamedTuple):
    """Something to be asked; `kind` is that of a term's value, `how` the term is answered."""

    ask: Callable[[], object]
    part: str
    name: str
    kind: str = ""
    how: str = ""


def _questions() -> Iterator[Question]:
    from dashboard.queries import Reader
    from realtime.core import query
    from realtime.ports import Select

    known, reader = _known(), Reader()
    for name, term in terms(known).items():
        for kind in KINDS:
            wanted = query.parse(getattr(term, kind))
            page = partial(reader.page, Select("tasks", wanted), query.EVERYTHING, NOW)
            yield Question(page, "list", name, kind, term.how)
            counts = partial(reader.counts, wanted, query.EVERYTHING, NOW)
            yield Question(counts, "counts", name, kind, term.how)
    for name, ask in _figures(reader, known).items():
        yield Question(ask, "figures", name)
    for name, ask in _pages(known).items():
        yield Question(ask, "pages", name)
    yield Question(_page_of_tags(), "tags", f"a page with {TAGS} progress tags")


def _figures(reader: Any, known: Known) -> dict[str, Callable[[], object]]:
    from django.db import DEFAULT_DB_ALIAS

    from dashboard import figures, snapshots, trees
    from realtime.core import query
    from realtime.ports import Select
    from realtime.sight import PARTS

    everything = query.EVERYTHING

    def page(of: str, **more: Any) -> Callable[[], object]:
        return lambda: reader.page(Select(of, **more), everything, NOW)

    def read(work: Callable[[Any], object]) -> Callable[[], object]:
        return lambda: snapshots.read(DEFAULT_DB_ALIAS, work)

    day = 86_400
    return {
        "overview": page("overview", parts=frozenset(PARTS)),
        "failures": page("failures"),
        "queues": page("queues"),
        "workers": page("workers"),
        "one task": page("task", ids=(known.id,)),
        "500 rows followed": page("tasks", ids=(known.id, known.root, known.newest)),
        "tree": read(lambda s: trees.tree(s, known.id, everything, NOW)),
        "series of a day": read(lambda s: figures.series(s, "all", "", NOW - day, NOW, 96)),
        "series of a name": read(
            lambda s: figures.series(s, "name", "shop.orders.charge", NOW - day, NOW, 96)
        ),
        "by name, a day": read(lambda s: figures.by_key(s, "name", NOW - day, NOW, 100)),
        "by worker, an hour": read(lambda s: figures.by_key(s, "worker", NOW - 3600, NOW, 100)),
    }


def _pages(known: Known) -> dict[str, Callable[[], object]]:
    """Whole answers, through every middleware, as a superuser who is signed in."""
    from django.contrib.auth import get_user_model
    from django.test import Client
    from django.urls import reverse

    user, _ = get_user_model().objects.get_or_create(
        username="benchmark", is_superuser=True, is_staff=True
    )
    client = Client(headers={"host": "localhost"})
    client.force_login(user)

    def get(path: str) -> Callable[[], object]:
        def ask() -> None:
            answer = client.get(path)
            if answer.status_code != 200:
                raise RuntimeError(f"{path} answered {answer.status_code}")

        return ask

    tasks = reverse("headway:tasks")
    return {
        "page: tasks": get(tasks),
        "page: tasks, a word": get(f"{tasks}?query=varnish"),
        "page: one task": get(reverse("headway:task", args=[known.id])),
        "page: overview": get(reverse("headway:overview")),
        "API: tasks": get("/api/v1/tasks"),
    }


def _page_of_tags() -> Callable[[], object]:
    """A visitor's page with a progress tag for each of the newest tasks, what it hands over
    stored."""
    from django.template import engines
    from django.test import RequestFactory
    from django.urls import resolve

    from dashboard.models import Task

    ids = list(Task.objects.order_by("-first_seen_at").values_list("id", flat=True)[:TAGS])
    page = engines["django"].from_string(
        "{% load headway_embed %}{% for id in ids %}{% headway_progress id %}{% endfor %}"
    )

    def ask() -> None:
        request = RequestFactory().get("/")
        request.resolver_match = resolve("/")
        shown = page.render({"ids": ids}, request).count("<headway-progress")
        request.close()
        if shown != TAGS:
            raise RuntimeError(f"{shown} tags were shown")

    return ask


def _timed(times: int, ask: Callable[[], object]) -> dict[str, float]:
    ask()  # the first one loads what all of them share
    took: list[float] = []
    for _ in range(times):
        began = time.perf_counter()
        ask()
        took.append(1e3 * (time.perf_counter() - began))
    return {"p50": round(statistics.median(took), 2), "p95": round(percentile(took, 95) or 0.0, 2)}


_EXPLAIN = {"postgresql": "EXPLAIN ", "sqlite": "EXPLAIN QUERY PLAN "}
_BIG = "headway_(?:task|rollup)"


def reads_everything(steps: str, vendor: str) -> bool:
    """Whether a plan goes through a large table from end to end."""
    if vendor == "postgresql":
        return re.search(rf"Seq Scan on {_BIG}\b", steps) is not None
    # What subqueries give goes by the table's own name, and is told of twice.
    made = len(re.findall(rf"(?:CO-ROUTINE|MATERIALIZE) {_BIG}\b", steps))
    return len(re.findall(rf"SCAN {_BIG}\b(?! USING)", steps)) > made


@contextmanager
def _watched() -> Iterator[set[str]]:
    """Has every statement explained once, before it runs, and gathers those that read a whole
    table."""
    from django.db import connection

    seen: set[str] = set()
    found: set[str] = set()
    vendor = connection.vendor

    def look(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        kind = f"{sql} {len(parameters or ())}"
        is_read = " headway_" in sql.replace('"', "") and sql.startswith(("SELECT", "WITH"))
        if is_read and kind not in seen:
            seen.add(kind)
            with closing(context["connection"].create_cursor()) as cursor:
                cursor.execute(_EXPLAIN[vendor] + sql, parameters)
                steps = "\n".join(str(step[-1]) for step in cursor.fetchall())
            if reads_everything(steps, vendor):
                found.add(f"{sql} {list(parameters or ())[:3]}")
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(look):
        yield found


def _known() -> Known:
    from datetime import UTC, datetime

    from django.db import connection

    def one(sql: str) -> Sequence[Any]:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            row: Sequence[Any] = cursor.fetchone()
            return row

    [total, oldest] = one("SELECT count(*), min(first_seen_at) FROM headway_task")
    middle = (oldest + NOW) / 2
    [id_, root] = one(
        f"SELECT id, root_id FROM headway_task WHERE first_seen_at > {middle}"
        " AND root_id IS NOT NULL ORDER BY first_seen_at LIMIT 1"
    )
    [newest] = one("SELECT id FROM headway_task ORDER BY first_seen_at DESC LIMIT 1")
    [rare, rare_signature] = one(
        "SELECT id, signature FROM headway_task WHERE owner = 'zoe' ORDER BY first_seen_at LIMIT 1"
    )
    [signature] = one("SELECT signature FROM headway_failure ORDER BY count DESC LIMIT 1")
    until = datetime.fromtimestamp(oldest + 1, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    say(f"{total} tasks")
    return Known(id_, root, newest, rare, signature, rare_signature, until)


def main() -> None:
    """Answer on standard output, a line of JSON each: first all questions there are, then, for each
    line `NUMBER TIMES` of the input, how long that one took; at its end the plans that read a whole
    table."""
    django.setup()
    questions = list(_questions())
    with _watched() as scans:
        print(json.dumps([question[1:] for question in questions]), flush=True)
        for line in sys.stdin:
            number, times = map(int, line.split())
            print(json.dumps(_timed(times, questions[number].ask)), flush=True)
    print(json.dumps(sorted(scans)), flush=True)


if __name__ == "__main__":
    main()
