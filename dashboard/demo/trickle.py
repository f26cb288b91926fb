"""Life in the shop: a scene every second or so, and a busy opening so that nothing looks empty."""

import logging
import random
import threading

from kombu.exceptions import OperationalError

from dashboard.demo.scenes import BY_SLUG, SCENES, Scene

logger = logging.getLogger(__name__)

OPENING = ("film", "import", "order", "payment", "trouble", "gallery", "reminder", "newsletter")
"""One of each kind at once: every state is on the page within seconds."""
MEAN_PAUSE_S = 1.5
"""With four workers this keeps a few tasks waiting, and the queues from growing without end."""


class Trickle:
    """Starts scenes until it is stopped. `run` blocks; `stop` may be called from any thread."""

    def __init__(self, seed: int | None = None) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - not a secret
        self._stopping = threading.Event()

    def run(self) -> None:
        """Open the shop and let things happen."""
        for slug in OPENING:
            self._play(BY_SLUG[slug])
        while not self._stopping.is_set():
            pause = min(self._chance.expovariate(1 / MEAN_PAUSE_S), 3 * MEAN_PAUSE_S)
            self._stopping.wait(pause)
            self._play(self._next())

    def stop(self) -> None:
        """Ask `run` to return."""
        self._stopping.set()

    def _next(self) -> Scene:
        return self._chance.choices(SCENES, [scene.weight for scene in SCENES])[0]

    def _play(self, scene: Scene) -> None:
        if self._stopping.is_set():
            return
        try:
            scene.start(self._chance)
        except OperationalError as error:
            logger.warning("The broker takes no tasks: %s", error, extra={"action": "no_broker"})
