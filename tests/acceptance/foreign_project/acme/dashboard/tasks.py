"""Work of the project: plain Celery."""

from celery import Task, shared_task


@shared_task
def paint(widget: str, colour: str = "red") -> str:
    """Paint a widget."""
    return f"{colour} {widget}"


@shared_task(bind=True)
def polish(self: Task, widgets: int) -> int:
    """Polish some, and tell how far it is the way Celery's documentation does."""
    for done in range(1, widgets + 1):
        self.update_state(state="PROGRESS", meta={"current": done, "total": widgets})
    return widgets


@shared_task
def break_one() -> None:
    """Fail."""
    raise RuntimeError("the widget broke")
