"""How long nothing came over the channel layer, and what is to be done about it."""

SILENCE_S = 2.5
"""The publisher gives a sign of life each second; two missed mean that some were lost. With a tick
and a read a page is then true again within three seconds."""
POLL_S = 1.0
DEAF_S = 10.0
"""Silence while the stream lives: the membership of the layer's group is gone."""


class Silence:
    """Instants are seconds of a clock that never goes back."""

    def __init__(self, now: float) -> None:
        self._heard_at = self._polled_at = self._rejoined_at = now

    def hear(self, now: float) -> None:
        """Something came."""
        self._heard_at = now

    def is_poll_due(self, now: float, *, is_joined: bool) -> bool:
        """Whether to look into the store, now counted as done. Sooner where the layer is known
        to be down."""
        patience_s = SILENCE_S if is_joined else POLL_S
        if now - self._heard_at < patience_s or now - self._polled_at < POLL_S:
            return False
        self._polled_at = now
        return True

    def is_deaf(self, now: float) -> bool:
        """Whether nothing came for so long that the membership may be gone."""
        return now - self._heard_at >= DEAF_S and now - self._rejoined_at >= DEAF_S

    def note_rejoined(self, now: float) -> None:
        """The membership is made anew."""
        self._rejoined_at = now
