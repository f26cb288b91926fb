"""The writing side of the stored truth: every number, every row and the lease, in one place."""

# ruff: noqa: S608 -- the SQL is made of the columns' names; values are parameters

from collections.abc import Collection, Iterator, Mapping, Sequence

from django.db import DEFAULT_DB_ALIAS

from dashboard import rows, store_embedding, store_watched
from dashboard.models import new_epoch
from dashboard.rollups import Rollups
from dashboard.streams import STREAM_SQL, stream_info
from dashboard.writers import WORKER_COLUMNS, Writer, take_numbers, writer
from realtime.codec import encode
from realtime.core.expected import Expectation
from realtime.core.groups import Group
from realtime.core.task import COMPLETED, STATUSES, Task
from realtime.core.watched import Queue, ScheduleEntry
from realtime.core.workers import Worker
from realtime.ports import Changes, Commit, Gap, LeaseLost, StreamInfo

_MAX_REASON = 200

_TAKE_LEASE = (
    "UPDATE headway_stream SET lease_token = %s, lease_holder = %s, lease_until = %s"
    " WHERE id = 1 AND (lease_token IS NULL OR lease_token = %s OR lease_until < %s)"
)
_BEAT = (
    "UPDATE headway_stream SET lease_until = %s, alive_at = %s, stats = %s"
    " WHERE id = 1 AND lease_token = %s"
)
_UPSERT_GAP = (
    "INSERT INTO headway_gap (from_at, until_at, reason, repaired) VALUES (%s, %s, %s, %s)"
    " ON CONFLICT (from_at) DO UPDATE SET until_at = excluded.until_at,"
    " reason = excluded.reason, repaired = excluded.repaired"
)


class Store:
    """The `TaskStore` of a Django database. It has connections of its own, made when first needed
    and made again after `StoreUnavailable`: one for `load`, which may be called while another
    thread commits, and one for all else, which one thread uses at a time."""

    def __init__(self, alias: str = DEFAULT_DB_ALIAS) -> None:
        self._writer: Writer = writer(alias)
        self._rollups = Rollups(self._writer)
        self._loader: Writer = writer(alias)

    def acquire(self, token: str, holder: str, now: float, ttl_s: float) -> bool:
        """Take the lease when it is free, expired or already mine; renews it when mine."""
        self._writer.forget()
        self._rollups.forget()
        with self._writer.transaction():
            self._ensure_stream()
            wanted = (token, holder, now + ttl_s, token, now)
            return self._writer.execute(_TAKE_LEASE, wanted) == 1

    def release(self, token: str) -> None:
        """Give the lease back so that a successor need not wait for it to expire."""
        with self._writer.transaction():
            self._writer.execute(
                "UPDATE headway_stream SET lease_token = NULL, lease_holder = NULL,"
                " lease_until = 0 WHERE id = 1 AND lease_token = %s",
                (token,),
            )

    def load(self, ids: Collection[str]) -> dict[str, Task]:
        """The stored tasks of these ids; unknown ids are absent."""
        with self._loader.reading():
            return {task.id: task for task in self._load(self._loader, list(ids))}

    def live(self, limit: int) -> list[Task]:
        """The newest tasks that are not over, newest first."""
        keys: list[tuple[float, str]] = []
        with self._writer.reading():
            for status in STATUSES:
                if status != COMPLETED:
                    keys += self._newest(status, limit)
            newest = sorted(keys, reverse=True)[:limit]
            tasks = {task.id: task for task in self._load(self._writer, [id_ for _, id_ in newest])}
        return [tasks[id_] for _, id_ in newest if id_ in tasks]

    def workers(self) -> list[Worker]:
        """Every stored worker."""
        with self._writer.reading():
            records = self._writer.fetch(
                f"SELECT {WORKER_COLUMNS} FROM headway_worker ORDER BY name"
            )
        return [rows.worker(record) for record in records]

    def watched(self) -> tuple[list[Queue], list[ScheduleEntry]]:
        """Every stored queue, and every stored entry of the schedule."""
        with self._writer.reading():
            return store_watched.load(self._writer)

    def groups(self, ids: Collection[str]) -> dict[str, Group]:
        """The stored groups of these ids; unknown ids are absent."""
        with self._writer.reading():
            return store_embedding.groups(self._writer, list(ids))

    def expectations(self, limit: int) -> list[Expectation]:
        """What was vouched for and not yet taken, the oldest first."""
        with self._writer.reading():
            return store_embedding.expectations(self._writer, limit)

    def take_expectations(self, taken: Collection[Expectation], before: float | None) -> None:
        """Mark these as taken, but for those whose total has grown since they were read, and delete
        a few of those made before then (Unix seconds)."""
        with self._writer.transaction():
            store_embedding.take(self._writer, taken, before)

    def commit(self, token: str, changes: Changes) -> Commit:
        """Write everything in one transaction under the lease; `LeaseLost` writes nothing."""
        tasks = [rows.task_record(task, n) for n, task in enumerate(changes.tasks, start=1)]
        workers = [
            rows.worker_record(worker, n)
            for n, worker in enumerate(changes.workers, start=len(tasks) + 1)
        ]
        with self._writer.transaction():
            self._writer.stage(tasks, workers)
            staged = len(tasks) + len(workers)
            watched = len(changes.queues) + len(changes.schedule)
            size = staged + len(changes.groups) + watched + bool(changes.removed)
            commit = take_numbers(self._writer, token, size, changes.covered_at)
            self._writer.write_staged(commit.previous)
            first = commit.previous + staged + 1
            store_embedding.write_groups(self._writer, changes.groups, first)
            first += len(changes.groups)
            store_watched.write(self._writer, changes.queues, changes.schedule, first)
            if changes.removed:
                store_watched.remove(self._writer, changes.removed)
            self._write_gaps(changes.gaps)
            if changes.counted is not None:
                self._rollups.record(changes.counted)
        return commit

    def add_up(self, token: str, now: float) -> Commit | None:
        """Add what commits counted to rollups and failure groups, see `dashboard.rollups`."""
        return self._rollups.add_up(token, now)

    def beat(self, token: str, now: float, ttl_s: float, stats: Mapping[str, object]) -> StreamInfo:
        """Renew the lease and store the signs of life; `LeaseLost` when it is another's."""
        signs = (now + ttl_s, now, encode(stats).decode(), token)
        with self._writer.transaction():
            if not self._writer.execute(_BEAT, signs):
                raise LeaseLost
            return stream_info(self._writer.fetch(STREAM_SQL))

    def stream(self) -> StreamInfo:
        """Where the stream stands."""
        with self._writer.reading():
            return stream_info(self._writer.fetch(STREAM_SQL))

    def close(self) -> None:
        """Give up the connections."""
        self._writer.close()
        self._loader.close()

    def _ensure_stream(self) -> None:
        """The migration made the row; a database that was emptied since has a new epoch."""
        self._writer.execute(
            "INSERT INTO headway_stream (id, epoch, revision, floor, lease_until, stats)"
            " VALUES (1, %s, 0, 0, 0, '{}') ON CONFLICT (id) DO NOTHING",
            (new_epoch(),),
        )

    def _load(self, reader: Writer, ids: Sequence[str]) -> Iterator[Task]:
        for record in reader.fetch_tasks(ids):
            yield rows.task(record)

    def _newest(self, status: str, limit: int) -> Sequence[tuple[float, str]]:
        """One status at a time, because only then the index has the order too."""
        return self._writer.fetch(
            "SELECT first_seen_at, id FROM headway_task WHERE status = %s"
            " ORDER BY first_seen_at DESC, id DESC LIMIT %s",
            (status, limit),
        )

    def _write_gaps(self, gaps: Sequence[Gap]) -> None:
        for gap in gaps:
            told = (gap.from_at, gap.until_at, gap.reason[:_MAX_REASON], gap.repaired)
            self._writer.execute(_UPSERT_GAP, told)
