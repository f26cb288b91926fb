"""The parts of a group as a visitor sees them: what each is called and how it stands, and no id."""

from collections.abc import Mapping
from typing import Any

from dashboard import queries
from realtime.core import query as language
from realtime.core.wire import Row
from realtime.ports import Select

MAX_PARTS = 100


def of_group(group_id: str, limit: int, now: float) -> list[Row]:
    """The newest parts of a group, oldest of them first. May raise `StoreUnavailable`."""
    if not limit:
        return []
    from dashboard import presentation

    asked = language.parse(presentation.term("group", group_id))
    page = queries.Reader().page(Select("tasks", asked, limit), language.EVERYTHING, now)
    return [_part(row) for row in reversed(page.rows)]


def _part(row: Mapping[str, Any]) -> Row:
    progress = row.get("progress")
    return {
        "label": row.get("label"),
        "status": row.get("status"),
        "conclusion": row.get("conclusion"),
        "percent": progress.get("percent") if isinstance(progress, dict) else None,
    }
