"""How long to wait before the next try: doubling, bounded, with full jitter."""

import random
from collections.abc import Callable

FIRST_S = 0.5
"""A broker that restarts at once is back within a second."""
LONGEST_S = 15.0
"""Nobody waits longer than this for a broker that has come back."""


class Backoff:
    """Waits of a random length between nothing and a bound that doubles with each failure.

    The whole range is random (full jitter): receivers and workers that lost the same broker in
    the same instant do not come back in the same instant.
    """

    def __init__(
        self,
        first_s: float = FIRST_S,
        longest_s: float = LONGEST_S,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._uniform = uniform
        self._bound_s = first_s

    def next_s(self) -> float:
        """Seconds to wait now; the next answer may be twice as long."""
        wait = self._uniform(0.0, self._bound_s)
        self._bound_s = min(self._bound_s * 2, self._longest_s)
        return wait

    def reset(self) -> None:
        """It worked: begin anew."""
        self._bound_s = self._first_s
