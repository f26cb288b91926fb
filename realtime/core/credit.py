"""How much a peer may be sent before it must say that it has taken it, and how fast it may ask."""

from collections import deque

MAX_FRAMES = 16
MAX_BYTES = 64 * 1024
"""What may be on its way to one peer: more only fills buffers that nobody bounds."""
SILENCE_S = 30.0
LITTLE_BYTES = 16 * 1024
"""So much due does not cost a silent peer its connection: its tab may only be asleep."""


class Credit:
    """The frames sent to one peer and not yet acknowledged."""

    def __init__(self, now: float) -> None:
        self.frame = 0
        """Number of the last frame sent."""
        self.size = 0
        """Bytes unacknowledged."""
        self._sent: deque[tuple[int, int]] = deque()
        self._owing_since = now

    def allows(self, size: int) -> bool:
        """Whether a frame of `size` bytes may be sent now. One of any size may where nothing is
        due: a traceback can be larger than any credit."""
        if not self._sent:
            return True
        return len(self._sent) < MAX_FRAMES and self.size + size <= MAX_BYTES

    def spend(self, size: int, now: float) -> int:
        """Number the next frame, of `size` bytes."""
        if not self._sent:
            self._owing_since = now
        self.frame += 1
        self.size += size
        self._sent.append((self.frame, size))
        return self.frame

    def acknowledge(self, frame: int, now: float) -> bool:
        """Take back what was spent up to `frame`; False when no such frame was sent."""
        if frame > self.frame:
            return False
        while self._sent and self._sent[0][0] <= frame:
            self.size -= self._sent.popleft()[1]
            self._owing_since = now
        return True

    def is_silent(self, now: float) -> bool:
        """Whether the peer owes an acknowledgement and has long given none."""
        return bool(self._sent) and now - self._owing_since >= SILENCE_S

    def is_much(self, waiting: int) -> bool:
        """Whether what is unacknowledged and `waiting` (bytes) is worth ending a silence."""
        return self.size + waiting > LITTLE_BYTES


class Allowance:
    """Costly requests: `burst` at once, and `per_s` more each second."""

    def __init__(self, burst: int, per_s: float, now: float) -> None:
        self._burst = float(burst)
        self._per_s = per_s
        self._left = float(burst)
        self._at = now

    def take(self, now: float) -> bool:
        """Whether one more is allowed now."""
        self._left = min(self._burst, self._left + (now - self._at) * self._per_s)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
