"""The receiving half as a process: until a signal, or until one of its parts dies."""

import logging
import signal
import threading

from dashboard import composition, conf
from dashboard.running import Parts

logger = logging.getLogger(__name__)


def run() -> int:
    """Receive until SIGTERM or SIGINT; the exit code: 1 when a part died, else 0.

    A supervisor starts it again; nothing here does, so that a fault is seen.
    """
    ended = threading.Event()
    publisher = composition.publisher()
    parts = Parts(composition.receiving(conf.current(), publisher), on_death=lambda _: ended.set())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    parts.start()
    logger.info("Receiving", extra={"action": "started"})
    ended.wait()
    parts.stop()
    publisher.close()
    return 1 if parts.dead else 0
