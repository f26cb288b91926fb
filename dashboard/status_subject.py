"""What the state of a task and of a group have in common: see `dashboard.status`."""

import time
from typing import Any, cast

from dashboard.status_reading import Known
from dashboard.threads import awaited
from realtime.core.expected import HANDED_OVER, NO_NEWS
from realtime.core.public import EXPECTED_S
from realtime.core.task import COMPLETED, FAILED, QUEUED, SUCCEEDED, UNKNOWN
from realtime.core.wire import Row

NEVER_SEEN = "Nothing was ever seen of it, or its result has expired."


class Subject:
    """A row, and where it is from."""

    _kind = ""

    def __init__(self, known: Known) -> None:
        self._known = known

    @property
    def id(self) -> str:
        """Celery's id of it."""
        return self._known.id

    @property
    def source(self) -> str | None:
        """Where this is from: `store`, `backend` (the result backend), `expected` (somebody
        vouched for it, and there is no news), or None where nothing is known."""
        return self._known.source

    @property
    def status(self) -> str:
        """`queued scheduled reserved running retrying stalled completed unknown`."""
        return str(self._standing[0])

    @property
    def conclusion(self) -> str | None:
        """How it ended; None while it goes on."""
        return self._text("conclusion")

    @property
    def is_finished(self) -> bool:
        """Whether it is over."""
        return self.status == COMPLETED

    @property
    def is_successful(self) -> bool:
        """Whether it is over and all went well."""
        return self.conclusion == SUCCEEDED

    @property
    def is_failed(self) -> bool:
        """Whether it is over and failed. One that was cancelled did not."""
        return self.conclusion == FAILED

    @property
    def is_known(self) -> bool:
        """Whether anything was ever heard of it, or somebody vouched for it."""
        return self._known.source is not None

    @property
    def is_vouched(self) -> bool:
        """Whether somebody said that it was handed over."""
        return self._known.expected is not None

    @property
    def updated_at(self) -> float | None:
        """When it was last heard of."""
        return self._number("updated_at")

    @property
    def finished_at(self) -> float | None:
        """When it ended."""
        return self._number("finished_at")

    @property
    def revision(self) -> int:
        """The number of its newest change in the store; 0 where it is not stored."""
        return self._count("revision")

    @property
    def row(self) -> Row:
        """All of it, as the HTTP API tells it; empty where the store has nothing."""
        return dict(self._known.row)

    def refresh(self) -> None:
        """Read it again."""
        raise NotImplementedError

    async def arefresh(self) -> None:
        """As `refresh`, in async code."""
        await awaited(self.refresh)()

    def _get(self, name: str) -> Any:
        return self._known.row.get(name)

    def _text(self, name: str) -> str | None:
        return cast(str | None, self._get(name))

    def _number(self, name: str) -> float | None:
        return cast(float | None, self._get(name))

    def _count(self, name: str) -> int:
        return int(self._get(name) or 0)

    @property
    def _standing(self) -> tuple[str, str | None]:
        """Status and reason. What was vouched for may not have reached the stream yet."""
        status = self._get("status") or UNKNOWN
        if status != UNKNOWN or self._known.expected is None:
            reason = self._get("reason")
            return status, reason if self.is_known else NEVER_SEEN
        is_fresh = time.time() - self._known.expected.at < EXPECTED_S
        return (QUEUED, HANDED_OVER) if is_fresh else (UNKNOWN, NO_NEWS)
