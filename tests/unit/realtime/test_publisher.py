"""Batches on their way to the hubs."""

import asyncio
import threading
from typing import Any

from realtime.codec import decode, encode
from realtime.core import channels
from realtime.ports import Batch
from realtime.publisher import MAX_WAITING, LayerPublisher, LocalPublisher, parts


def _batch(rows: dict[str, list[dict[str, Any]]], revision: int, **removed: list[str]) -> Batch:
    data = {kind: encode(found) for kind, found in rows.items()}
    return Batch("e1", 0, revision, data, removed, {"state": "live"})


BEAT = _batch({}, 0)


class Layer:
    """Keeps what it is sent; fails or hangs when told to."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.is_down = False
        self.has_sent = threading.Event()
        self.gate = threading.Event()
        self.gate.set()

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        assert group == channels.GROUP
        while not self.gate.is_set():  # noqa: ASYNC110 -- set by another thread
            await asyncio.sleep(0.005)
        if self.is_down:
            raise ConnectionError("down")
        self.sent.append(message)
        self.has_sent.set()


def test_a_local_publisher_hands_the_batch_itself_to_the_hubs() -> None:
    taken: list[object] = []

    class Hubs:
        submit = taken.append
        announce_rights = taken.append

    publisher = LocalPublisher(Hubs())
    publisher.publish(BEAT)
    publisher.announce_rights("ann")
    publisher.close()

    assert taken == [BEAT, "ann"]
    assert taken[0] is BEAT


def test_a_batch_travels_as_one_message_with_all_it_holds() -> None:
    layer = Layer()
    publisher = LayerPublisher(layer)
    batch = _batch({"tasks": [{"id": "t1", "revision": 1}]}, 1, tasks=["t0"])
    publisher.publish(batch)
    publisher.announce_rights(None)
    publisher.close()

    first, second = layer.sent
    assert first.pop("type") == channels.BATCH
    assert Batch(**first) == batch
    assert second == {"type": channels.RIGHTS, "user": None}


def test_a_large_batch_is_split_and_the_chain_is_kept() -> None:
    tasks = [{"id": f"t{i}", "revision": i, "args": "x" * 100} for i in range(1, 41)]
    workers = [{"name": "w", "revision": 41}]
    batch = _batch({"workers": workers, "tasks": tasks}, 41, tasks=["gone"])
    found = list(parts(batch, 1_000))

    assert len(found) > 4
    assert [part.previous for part in found] == [0, *(part.revision for part in found[:-1])]
    assert found[-1].revision == 41
    rows = [row for part in found for data in part.rows.values() for row in decode(data)]
    assert rows == tasks + workers
    assert all(sum(map(len, part.rows.values())) <= 1_100 for part in found)
    assert [part.removed for part in found] == [{}] * (len(found) - 1) + [{"tasks": ["gone"]}]
    for part in found:
        numbers = [row["revision"] for data in part.rows.values() for row in decode(data)]
        assert part.previous < min(numbers) <= max(numbers) <= part.revision


def test_one_row_larger_than_a_message_travels_alone() -> None:
    rows = [{"id": "t1", "revision": 1, "args": "x" * 5_000}, {"id": "t2", "revision": 2}]

    assert [part.revision for part in parts(_batch({"tasks": rows}, 2), 1_000)] == [1, 2]


def test_a_layer_that_hangs_holds_up_nobody_and_costs_bounded_memory() -> None:
    layer = Layer()
    layer.gate.clear()
    publisher = LayerPublisher(layer)
    for i in range(MAX_WAITING + 50):
        publisher.publish(BEAT._replace(revision=i, previous=i))
    assert publisher.counters["dropped"] >= 49

    layer.gate.set()
    publisher.close()
    assert len(layer.sent) <= MAX_WAITING + 1
    assert layer.sent[-1]["revision"] == MAX_WAITING + 49


def test_a_layer_that_fails_is_counted_and_used_again() -> None:
    layer = Layer()
    layer.is_down = True
    publisher = LayerPublisher(layer)
    publisher.publish(BEAT)
    while not publisher.counters["failed"]:
        layer.has_sent.wait(0.005)
    layer.is_down = False
    publisher.publish(BEAT)

    assert layer.has_sent.wait(10)
    publisher.close()
    assert publisher.counters["failed"] == 1


def test_a_batch_that_cannot_be_split_is_counted_and_raises_nothing() -> None:
    publisher = LayerPublisher(Layer(), max_message_bytes=1)
    publisher.publish(BEAT._replace(rows={"tasks": b"not json"}))

    assert publisher.counters["failed"] == 1


def test_a_publisher_that_is_closed_takes_nothing() -> None:
    layer = Layer()
    publisher = LayerPublisher(layer)
    publisher.close()
    publisher.publish(BEAT)

    assert layer.sent == []
