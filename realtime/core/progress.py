"""How far a task has come, in a form that any order of reports merges to.

Each part is a maximum: the newest report by the sender's time, and the furthest fraction of each
stage. A maximum does not care about order or repetition, so neither does progress.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from realtime.core.events import MAX_STAGES, Fields

MAX_PARTS = 1000
"""Children whose counts one task holds (18 KB as JSON); larger families are groups."""
MAX_PART = 1e15
"""Beyond any count; that many of it can still be added up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The progress of one attempt. `at` is Unix seconds; numbers are the task's own."""

    retries: int
    at: float
    clock: int = 0
    current: float | None = None
    total: float | None = None
    unit: str | None = None
    message: str | None = None
    stage: str | None = None
    stages: tuple[str, ...] | None = None
    state: str | None = None
    """The custom state that came with it (`PROGRESS` from a result backend), if any."""
    furthest: Mapping[str, float] = field(default_factory=dict)
    """Stage (empty for none) to the largest fraction, 0 to 1, it was ever reported at."""
    parts: Mapping[str, float] = field(default_factory=dict)
    """What children added, by child: its largest count, so one that is retried adds once."""
    parts_at: float = 0.0

    @property
    def done(self) -> float | None:
        """The task's own count and its children's."""
        if not self.parts:
            return self.current
        return (self.current or 0.0) + math.fsum(self.parts.values())

    @property
    def updated_at(self) -> float:
        """Unix seconds of the newest report, the task's own or a child's."""
        return max(self.at, self.parts_at)

    @property
    def percent(self) -> float | None:
        """0 to 100, never falling within an attempt; None while the total is unknown."""
        if self.stages:
            reached = [n for n, stage in enumerate(self.stages) if stage in self.furthest]
            if reached:
                last = reached[-1]
                return 100 * (last + self.furthest[self.stages[last]]) / len(self.stages)
        if self.parts and self.total and len(self.furthest) <= 1:
            added = math.fsum(self.parts.values()) / self.total
            return 100 * min(sum(self.furthest.values()) + added, 1.0)
        # Stages of unknown number have no common measure: the whole is then unknown too.
        if len(self.furthest) != 1:
            return None
        (stage, fraction), *_ = self.furthest.items()
        is_known = fraction > 0 or not stage or self.total is not None
        return 100 * fraction if is_known else None


def reported(fields: Fields, *, retries: int, at: float, clock: int) -> Progress:
    """The progress that one report tells, from the checked fields of its event."""
    part = fields.get("part")
    if part is not None:
        told: float = fields.get("current") or 0.0  # type: ignore[assignment]
        count = min(max(told, 0.0), MAX_PART)
        # No time of its own: it is never newer than what the task itself says.
        return Progress(retries=retries, at=0.0, parts={str(part): count}, parts_at=at)
    values = {name: value for name, value in fields.items() if name not in ("retries", "part")}
    progress = Progress(retries=retries, at=at, clock=clock, **values)  # type: ignore[arg-type]
    fraction = _fraction(progress.current, progress.total)
    if fraction is None and progress.stage is None:
        return progress
    return replace(progress, furthest={progress.stage or "": fraction or 0.0})


def merge(one: Progress | None, other: Progress) -> Progress:
    """Both reports in one; a later attempt begins anew."""
    if one is None or other.retries > one.retries:
        return other
    if other.retries < one.retries:
        return one
    newer, older = (other, one) if _key(other) >= _key(one) else (one, other)
    stages = max(one.stages or (), other.stages or (), key=lambda stages: (len(stages), stages))
    merged = replace(newer, stages=stages or None, furthest=_furthest(newer, older))
    if not (one.parts or other.parts):
        return merged
    parts_at = max(one.parts_at, other.parts_at)
    return replace(merged, parts=_parts(one, other), parts_at=parts_at)


def _furthest(one: Progress, other: Progress) -> dict[str, float]:
    both = dict(one.furthest)
    for stage, fraction in other.furthest.items():
        both[stage] = max(fraction, both.get(stage, 0.0))
    if len(both) > MAX_STAGES:
        return {stage: both[stage] for stage in sorted(both)[:MAX_STAGES]}
    return both


def _parts(one: Progress, other: Progress) -> dict[str, float]:
    both = dict(one.parts)
    for part, count in other.parts.items():
        both[part] = max(count, both.get(part, 0.0))
    if len(both) > MAX_PARTS:
        return {part: both[part] for part in sorted(both)[:MAX_PARTS]}
    return both


def _key(progress: Progress) -> tuple[float, int, str]:
    told = (progress.current, progress.total, progress.unit, progress.message, progress.stage)
    return progress.at, progress.clock, repr((*told, progress.state))


def _fraction(current: float | None, total: float | None) -> float | None:
    if current is None or not total:
        return None
    return min(max(current / total, 0.0), 1.0)
