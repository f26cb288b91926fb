"""A message is acknowledged once everything before it on its connection is settled."""

from hypothesis import given
from hypothesis import strategies as st

from realtime.acknowledging import Acknowledger, Tag


class Channel:
    def __init__(self) -> None:
        self.acknowledged: list[tuple[int, bool]] = []

    def basic_ack(self, number: int, *, multiple: bool) -> None:
        self.acknowledged.append((number, multiple))


def begun() -> tuple[Acknowledger, Channel]:
    acknowledger, channel = Acknowledger(), Channel()
    acknowledger.begin(channel)
    return acknowledger, channel


def test_one_answer_covers_all_settled_messages() -> None:
    acknowledger, channel = begun()
    acknowledger.settle([acknowledger.tag(number) for number in (1, 2, 3)])
    assert acknowledger.flush() == 3
    assert channel.acknowledged == [(3, True)]


def test_a_message_that_is_not_settled_holds_back_the_later_ones() -> None:
    acknowledger, channel = begun()
    acknowledger.settle([acknowledger.tag(number) for number in (1, 3, 4)])
    assert acknowledger.flush() == 1
    acknowledger.settle([acknowledger.tag(2)])
    assert acknowledger.flush() == 3
    assert channel.acknowledged == [(1, True), (4, True)]


def test_nothing_settled_is_nothing_sent() -> None:
    acknowledger, channel = begun()
    assert acknowledger.flush() == 0
    acknowledger.settle([acknowledger.tag(2)])
    assert acknowledger.flush() == 0
    assert channel.acknowledged == []


def test_tags_of_an_older_connection_and_of_others_mean_nothing() -> None:
    acknowledger, _ = begun()
    old = [acknowledger.tag(1), acknowledger.tag(2)]
    channel = Channel()
    acknowledger.begin(channel)
    acknowledger.settle([*old, None, 7, Tag(99, 1)])
    assert acknowledger.flush() == 0
    acknowledger.settle([acknowledger.tag(1)])
    assert acknowledger.flush() == 1
    assert channel.acknowledged == [(1, True)]


@given(st.permutations(range(1, 30)), st.integers(1, 5))
def test_in_whatever_order_all_are_acknowledged_and_none_too_early(
    order: list[int], step: int
) -> None:
    acknowledger, channel = begun()
    settled: set[int] = set()
    for start in range(0, len(order), step):
        chunk = order[start : start + step]
        settled.update(chunk)
        acknowledger.settle([acknowledger.tag(number) for number in chunk])
        acknowledger.flush()
        last = channel.acknowledged[-1][0] if channel.acknowledged else 0
        assert set(range(1, last + 1)) <= settled
    assert channel.acknowledged[-1] == (29, True)
