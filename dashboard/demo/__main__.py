"""`python -m dashboard.demo`: the shop's customers, for workers that run elsewhere."""

import logging
import signal

from dashboard.demo.app import app
from dashboard.demo.trickle import Trickle


def main() -> None:
    """Let things happen until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="{asctime} {levelname} {message}", style="{")
    app.set_current()
    trickle = Trickle()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: trickle.stop())
    trickle.run()
    app.pool.force_close_all()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
