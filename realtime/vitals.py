"""How the stream stands: lag, rate, gaps, counters; what the badge tells comes from here."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import replace

from realtime.core.wire import Row
from realtime.inbox import Inbox
from realtime.ports import Gap, SourceHealth, StreamInfo
from realtime.repair import Window
from realtime.standing import stream_row

BEHIND_MS = 2_000
"""People take up to two seconds for live; beyond, the badge says that it is catching up."""
RATE_WINDOW_S = 10
KEPT_S = 600.0
"""For so long a durable queue keeps what nobody reads (`receiver.QUEUE_TTL_S`)."""
MAX_REASON = 200


class Vitals:
    """Observed once a second by the pipeline that leads."""

    def __init__(self, now: float) -> None:
        self.hearing_since: float | None = now
        """When the stream was last restored, Unix seconds; None while it is blind."""
        self._counted: deque[tuple[int, int]] = deque()
        self._total = 0
        self._observed_at = now
        self._gap: Gap | None = None
        self._unstored: list[Gap] = []
        self._stats: dict[str, object] = {"state": "live", "lag_ms": None}
        self._repaired_before = 0
        self._unrepaired: Window | None = None
        self._followed_until = now

    def count(self, events: int, now: float) -> None:
        """So many events were folded."""
        self._total += events
        second = int(now)
        if self._counted and self._counted[-1][0] == second:
            events += self._counted.pop()[1]
        self._counted.append((second, events))

    def observe(
        self,
        health: SourceHealth,
        inbox: Inbox,
        counters: Counter[str],
        rejected: Counter[str],
        oldest_age_s: float,
        now: float,
    ) -> None:
        """Take stock: one call a second."""
        self._observed_at = now
        self._follow_blindness(health, now)
        lag_ms = None if health.lag_ms is None else health.lag_ms + round(1000 * oldest_age_s)
        is_behind = inbox.is_full or (lag_ms or 0) > BEHIND_MS or oldest_age_s * 1000 > BEHIND_MS
        state = "blind" if health.blind_since is not None else "behind" if is_behind else "live"
        self._stats = {
            "lag_ms": None if state == "blind" else lag_ms,
            "state": state,
            "events_per_second": self._rate(now),
            "counters": self._told(health, counters, rejected),
        }

    def note_repair(self, is_repairing: bool, repaired: int, shortfall: str | None) -> None:
        """Whether tasks are being repaired after a gap, how many were since the start, and what
        cannot be found out."""
        if is_repairing and self._stats["state"] == "live":
            self._stats["state"] = "repairing"
        gap = self._gap
        if gap is None or gap.until_at is None:
            return
        if shortfall and shortfall not in gap.reason:
            gap = replace(gap, reason=f"{gap.reason}; {shortfall}"[:MAX_REASON])
        gap = replace(gap, repaired=gap.repaired + repaired - self._repaired_before)
        self._repaired_before = repaired
        if gap != self._gap:
            self._set_gap(gap)

    def note_absence(self, before: StreamInfo, is_durable: bool) -> None:
        """A gap, where nobody listened between the last leader's sign of life and our first, or
        longer than the broker keeps what nobody reads."""
        heard_since = self.hearing_since
        if before.alive_at is None or heard_since is None:
            return
        # A quick restart takes less than a second: long enough for tasks to begin and end.
        if heard_since - before.alive_at <= (KEPT_S if is_durable else 0.0):
            return
        until_at = heard_since - KEPT_S if is_durable else heard_since
        reason = "no receiver was running"
        self._begin_gap(Gap(from_at=before.alive_at, until_at=until_at, reason=reason))
        # What it had heard and not yet written is lost with it.
        self._owe_repair(before.alive_at - _lag_s(before), until_at)

    def take_unrepaired(self, is_connected: bool) -> Window | None:
        """The time in which nothing was heard, as soon as something can be heard again; once."""
        if not is_connected or self.is_blind:
            return None
        window, self._unrepaired = self._unrepaired, None
        return window

    @property
    def is_blind(self) -> bool:
        """Whether nothing can be heard now."""
        return self.hearing_since is None

    def forget_gaps(self) -> None:
        """What a standby missed is no gap, since the leader heard it; what it misses now may
        become one."""
        self._unstored = [gap for gap in self._unstored if gap.until_at is None][-1:]
        if not self.is_blind:
            self._unrepaired = None

    def gaps_to_store(self) -> list[Gap]:
        """The gaps that changed since they were stored, the oldest change first."""
        return list(self._unstored)

    def gaps_stored(self, gaps: Sequence[Gap]) -> None:
        """These, the oldest that were to be stored, are."""
        del self._unstored[: len(gaps)]

    def stats(self) -> Mapping[str, object]:
        """What is stored with each beat."""
        return self._stats

    def stream(self, info: StreamInfo, revision: int) -> Row:
        """The stream as browsers are told it, as of `revision`."""
        told = replace(
            info,
            revision=revision,
            alive_at=self._observed_at,
            stats=self._stats,
            gap=self._gap or info.gap,
        )
        return stream_row(told, self._observed_at)

    def _follow_blindness(self, health: SourceHealth, now: float) -> None:
        if health.blind_since is not None and self.hearing_since is not None:
            self.hearing_since = None
            self._begin_gap(Gap(from_at=health.blind_since, reason=health.reason or "no answer"))
        elif health.blind_since is None and self.hearing_since is None:
            self.hearing_since = now
            if self._gap is not None and self._gap.until_at is None:
                self._set_gap(replace(self._gap, until_at=now))
                self._owe_repair(self._gap.from_at, now)

        for since, until in health.deaf:
            if until > self._followed_until:
                self._followed_until = until
                if self._gap is None or self._gap.from_at != since:
                    reason = "the connection to the broker was lost for a moment"
                    self._begin_gap(Gap(from_at=since, until_at=until, reason=reason))

    def _begin_gap(self, gap: Gap) -> None:
        self._set_gap(gap)
        self._owe_repair(gap.from_at, gap.until_at or self._observed_at)

    def _owe_repair(self, from_at: float, until_at: float) -> None:
        self._unrepaired = Window(from_at, until_at).joined(self._unrepaired)

    def _set_gap(self, gap: Gap) -> None:
        self._gap = gap
        self._unstored.append(gap)

    def _rate(self, now: float) -> float:
        while self._counted and self._counted[0][0] < now - RATE_WINDOW_S:
            self._counted.popleft()
        return round(sum(events for _, events in self._counted) / RATE_WINDOW_S, 1)

    def _told(
        self, health: SourceHealth, counters: Counter[str], rejected: Counter[str]
    ) -> dict[str, object]:
        refused = dict(rejected)
        for reason in ("too_large", "not_json"):
            if health.counters.get(reason):
                refused[reason] = health.counters[reason]
        dropped = health.counters.get("dropped_progress", 0) + health.counters.get(
            "dropped_state", 0
        )
        return {"events": self._total, "rejected": refused, "dropped": dropped, **counters}


def _lag_s(before: StreamInfo) -> float:
    """How far behind the last leader was with its writing."""
    lag_ms = before.stats.get("lag_ms")
    return lag_ms / 1000 if isinstance(lag_ms, int | float) else 0.0
