"""Which AMQP messages may be acknowledged: those up to the first that is not settled yet."""

from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple


class Tag(NamedTuple):
    """One message of one connection: RabbitMQ numbers them anew on every channel."""

    generation: int
    number: int


class Acknowledger:
    """Gathers settled tags from any thread; acknowledges them on the channel's own."""

    def __init__(self) -> None:
        self._settled: deque[object] = deque()
        self._beyond: set[int] = set()
        self._channel: Any = None
        self._generation = 0
        self._done = 0

    def begin(self, channel: Any) -> None:
        """From here on messages come on this channel. What is unsettled on older ones comes again
        by itself, so their tags mean nothing any more."""
        self._channel = channel
        self._generation += 1
        self._done = 0
        self._beyond.clear()

    def tag(self, number: int) -> Tag:
        """The tag of a message that came on the present channel."""
        return Tag(self._generation, number)

    def settle(self, tags: Iterable[object]) -> None:
        """These need not come again. Never blocks; callable from any thread."""
        self._settled.extend(tags)

    def flush(self) -> int:
        """Acknowledge everything up to the first unsettled message; how many that were."""
        while self._settled:
            tag = self._settled.popleft()
            if isinstance(tag, Tag) and tag.generation == self._generation:
                self._beyond.add(tag.number)
        last = self._done
        while last + 1 in self._beyond:
            last += 1
            self._beyond.remove(last)
        count = last - self._done
        if count:
            self._channel.basic_ack(last, multiple=True)
            self._done = last
        return count
