"""The inbox is bounded, keeps the order, and hands over between two threads."""

import threading

from realtime.inbox import Inbox
from realtime.ports import Delivery


def delivery(*events: object) -> Delivery:
    return Delivery(events, 0.0, None)


def test_deliveries_come_out_in_the_order_they_went_in() -> None:
    inbox = Inbox()
    for number in range(5):
        assert inbox.put(delivery(number))
    assert [taken.events for taken in inbox.take(100)] == [(0,), (1,), (2,), (3,), (4,)]
    assert inbox.take(100) == []


def test_the_bound_counts_events_and_not_deliveries() -> None:
    inbox = Inbox(max_events=4)
    assert inbox.put(delivery(1, 2, 3))
    assert not inbox.put(delivery(4, 5))
    assert inbox.put(delivery(4))
    assert (inbox.depth, inbox.is_full) == (4, True)


def test_a_delivery_larger_than_the_bound_passes_when_nothing_else_waits() -> None:
    inbox = Inbox(max_events=2)
    assert inbox.put(delivery(1, 2, 3))
    assert not inbox.put(delivery(4))
    assert len(inbox.take(1)) == 1
    assert inbox.put(delivery(4))


def test_take_stops_before_the_delivery_that_would_exceed_its_bound() -> None:
    inbox = Inbox()
    inbox.put(delivery(1, 2))
    inbox.put(delivery(3, 4))
    assert [taken.events for taken in inbox.take(3)] == [(1, 2)]
    assert inbox.depth == 2


def test_take_gives_at_least_one_delivery() -> None:
    inbox = Inbox()
    inbox.put(delivery(1, 2, 3))
    assert len(inbox.take(1)) == 1


def test_it_is_filling_before_it_is_full() -> None:
    inbox = Inbox(max_events=10)
    inbox.put(delivery(*range(7)))
    assert not inbox.is_filling
    inbox.put(delivery(7))
    assert (inbox.is_filling, inbox.is_full) == (True, False)


def test_the_oldest_is_seen_without_being_taken() -> None:
    inbox = Inbox()
    assert inbox.oldest() is None
    inbox.put(delivery("first"))
    inbox.put(delivery("second"))
    assert inbox.oldest() == delivery("first")
    assert inbox.depth == 2


def test_a_put_that_waits_goes_on_when_there_is_room() -> None:
    inbox = Inbox(max_events=1)
    inbox.put(delivery(1))
    answers: list[bool] = []
    waiting = threading.Thread(target=lambda: answers.append(inbox.put(delivery(2), 10)))
    waiting.start()
    assert [taken.events for taken in inbox.take(1)] == [(1,)]
    waiting.join(10)
    assert answers == [True]


def test_waiting_ends_when_something_comes() -> None:
    inbox = Inbox()
    answers: list[bool] = []
    waiting = threading.Thread(target=lambda: answers.append(inbox.wait(10)))
    waiting.start()
    inbox.put(delivery(1))
    waiting.join(10)
    assert answers == [True]
    assert not Inbox().wait(0)
