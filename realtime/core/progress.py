"""How far a task has come, in a form that any order of reports merges to.

Each part is a maximum: the newest report by the sender's time, and the furthest fraction of each
stage. A maximum does not care about order or repetition, so neither does progress.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from realtime.core.events import MAX_STAGES, Fields


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

    @property
    def percent(self) -> float | None:
        """0 to 100, never falling within an attempt; None while the total is unknown."""
        if self.stages:
            reached = [n for n, stage in enumerate(self.stages) if stage in self.furthest]
            if reached:
                last = reached[-1]
                return 100 * (last + self.furthest[self.stages[last]]) / len(self.stages)
        # Stages of unknown number have no common measure: the whole is then unknown too.
        if len(self.furthest) != 1:
            return None
        (stage, fraction), *_ = self.furthest.items()
        is_known = fraction > 0 or not stage or self.total is not None
        return 100 * fraction if is_known else None


def reported(fields: Fields, *, retries: int, at: float, clock: int) -> Progress:
    """The progress that one report tells, from the checked fields of its event."""
    values = {name: value for name, value in fields.items() if name != "retries"}
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
    return replace(newer, stages=stages or None, furthest=_furthest(newer, older))


def _furthest(one: Progress, other: Progress) -> dict[str, float]:
    both = dict(one.furthest)
    for stage, fraction in other.furthest.items():
        both[stage] = max(fraction, both.get(stage, 0.0))
    if len(both) > MAX_STAGES:
        return {stage: both[stage] for stage in sorted(both)[:MAX_STAGES]}
    return both


def _key(progress: Progress) -> tuple[float, int, str]:
    told = (progress.current, progress.total, progress.unit, progress.message, progress.stage)
    return progress.at, progress.clock, repr((*told, progress.state))


def _fraction(current: float | None, total: float | None) -> float | None:
    if current is None or not total:
        return None
    return min(max(current / total, 0.0), 1.0)
