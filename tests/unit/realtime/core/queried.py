"""One row, and what a query makes of it, for the tests of the filter language."""

from typing import Any

import pytest

from realtime.core import query

NOW = 1_795_000_000.0


def row(**values: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(
        (
            *("name", "conclusion", "queue", "worker", "priority", "eta", "wait", "runtime"),
            *(
                "progress",
                "args",
                "kwargs",
                "exception",
                "signature",
                "root_id",
                "group_id",
                "parent_id",
            ),
            *("owner", "label"),
        )
    )
    base: dict[str, Any] = {
        "id": "1",
        "state": "STARTED",
        "status": "running",
        "retries": 0,
        "first_seen_at": NOW,
    }
    return {**nothing, **base, **values}


def matches(text: str, **values: Any) -> bool:
    return query.predicate(query.parse(text), NOW)(row(**values))


def refusal(text: str, *unreadable: str) -> query.QueryError:
    with pytest.raises(query.QueryError) as caught:
        query.parse(text, unreadable=frozenset(unreadable))
    return caught.value


def marked(text: str) -> str:
    """The part of the text that its refusal points at."""
    error = refusal(text)
    return text[error.at : error.until]
