"""Parts that run on threads of their own, ended together; the death of one is never silent."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from django.db import connections

logger = logging.getLogger(__name__)

FINISH_S = 5.0
"""The first part, and then all others together, get this long to finish what is in hand."""


class Part(Protocol):
    """Something that works until it is stopped."""

    def run(self) -> None:
        """Work; returns after `stop`."""
        ...

    def stop(self) -> None:
        """Ask `run` to return; callable from any thread."""
        ...


class Parts:
    """Runs each part on a thread named after it. The first one given is stopped before the others
    and started after them: it is the one that finishes what they brought.

    `on_death` is called, on the thread of the part, with the name of one that ended by itself.
    """

    def __init__(self, parts: Mapping[str, Part], on_death: Callable[[str], None]) -> None:
        self._parts = dict(parts)
        self._on_death = on_death
        self._stopping = threading.Event()
        self._threads = {
            name: threading.Thread(
                target=self._run, args=(name,), name=f"headway-{name}", daemon=True
            )
            for name in parts
        }
        self.dead: list[str] = []

    def start(self) -> None:
        """Start all of them, the first one last."""
        for name in reversed(self._threads):
            self._threads[name].start()

    def stop(self, timeout_s: float = FINISH_S) -> None:
        """Stop the first part and wait for it, then all others at once."""
        self._stopping.set()
        first, *others = self._parts
        for names in ([first], others):
            for name in names:
                self._parts[name].stop()
            self._join(names, time.monotonic() + timeout_s)
        late = [name for name, thread in self._threads.items() if thread.is_alive()]
        if late:
            logger.warning("Did not end in time: %s", ", ".join(late), extra={"action": "late"})

    def _join(self, names: list[str], deadline: float) -> None:
        for name in names:
            if self._threads[name].ident is not None:
                self._threads[name].join(max(deadline - time.monotonic(), 0.0))

    def _run(self, name: str) -> None:
        try:
            self._parts[name].run()
        except Exception:
            logger.exception("The %s crashed", name, extra={"action": "part_crashed"})
        else:
            if self._stopping.is_set():
                return
            logger.error("The %s ended by itself", name, extra={"action": "part_ended"})
        finally:
            connections.close_all()
        self.dead.append(name)
        self._on_death(name)
