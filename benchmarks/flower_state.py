"""Flower's in-memory state fed by Celery's EventReceiver, as Flower does it. Run by Flower's own
interpreter: `flower_state.py BROKER_URL TASKS MAX_TASKS`. It prints a line whenever
another TASKS tasks have ended."""

import sys

from celery import Celery
from celery.events import EventReceiver
from flower.events import EventsState

ENDS = {"task-succeeded", "task-failed"}


def main(broker: str, tasks: int, max_tasks: int) -> None:
    app = Celery(broker=broker)
    state = EventsState(max_tasks_in_memory=max_tasks, max_workers_in_memory=5000)
    ended = 0

    def take(event: dict[str, object]) -> None:
        nonlocal ended
        state.event(event)
        if event["type"] in ENDS:
            ended += 1
            if ended % tasks == 0:
                print("ended", ended, "held", len(state.tasks), flush=True)

    with app.connection() as connection:
        EventReceiver(connection, handlers={"*": take}, app=app).capture(limit=None, timeout=None)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
