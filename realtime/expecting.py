"""What web processes say was handed over, taken up by the leader once a second.

It comes from the store and not from the broker, so only who may write there can vouch. It is marked
as taken after the commit that holds it: what is read twice in between says nothing new.
"""

from realtime.core import expected
from realtime.core.expected import Expectation
from realtime.core.public import GROUP, TASK, split
from realtime.grouping import Grouping
from realtime.holding import Holding
from realtime.ports import TaskStore

AT_ONCE = 2_000
"""Of one second: a burst of hand-overs is taken up over several."""
KEPT_S = 86_400.0
FORGET_EVERY_S = 5.0
"""And so many at once that a table of hundreds of hand-overs a second does not grow."""


class Expecting:
    """Takes up what one store was told."""

    def __init__(self, store: TaskStore) -> None:
        self._store = store
        self._taken: list[Expectation] = []
        self._forgot_at = 0.0

    def take(self, holding: Holding, grouping: Grouping, now: float) -> None:
        """Read what was told since, and make it evidence of the tasks and groups."""
        self._taken = found = self._store.expectations(AT_ONCE)
        if not found:
            return
        events = []
        for each in found:
            kind, id_ = split(each.subject) or ("", "")
            if kind == TASK:
                events.append(expected.event(id_, each.at, now))
            elif kind == GROUP and each.total is not None:
                grouping.tell(id_, each.total)
        missing = holding.missing(events)
        holding.expect(events, self._store.load(missing) if missing else {}, now)

    def taken(self, now: float) -> None:
        """What was read is written: it need not be read again. Old ones are forgotten."""
        is_due = not 0 <= now - self._forgot_at < FORGET_EVERY_S
        if self._taken or is_due:
            before = now - KEPT_S if is_due else None
            self._store.take_expectations(self._taken, before)
            self._taken = []
        if is_due:
            self._forgot_at = now
