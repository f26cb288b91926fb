"""Tables of told rows: a page declares its cells once, the server makes its first lines and
`<headway-told-table>` those that follow. Such a page is one small file and a template."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.urls import NoReverseMatch, reverse

from dashboard import cells, formats
from dashboard.cells import PLACEHOLDER, Row, Setting
from realtime import sight
from realtime.ports import Rights

SHOWN = {"notes": 3}
"""By list, how many of its rows are shown; the page's tallies count them all."""
_TARGETS = {"task": "tasks", "failure": "failures", "operation": "audit"}
"""Pages of one thing, and what their viewer must be allowed to see."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """What a page says of its table; `static/headway/elements/told-table.js` tells each field."""

    of: str
    key: str
    cells: cells.Cells
    words: Mapping[str, object]
    limit: int | None = None
    only: Mapping[str, Sequence[str]] = field(default_factory=dict)
    tallies: Mapping[str, Sequence[str]] = field(default_factory=dict)
    grows: bool = False
    keeps: bool = False
    order: Sequence[str] = ()


def context(
    table: Table, rows: Sequence[Row], rights: Rights, now: float, where: Row | None = None
) -> dict[str, Any]:
    """What the template of a page gets: `lines` by list, `tallies`, and what its script goes on
    from. `where` holds the values of fields that the viewer asked for."""
    words = {key: str(text) for key, text in table.words.items()}
    setting = Setting(
        now=now,
        words=words,
        links=links(rights),
        most=cells.most(rows, table.cells),
        viewer=rights.user or "",
        can=sorted(rights.can),
    )
    made = [(row, _line(row, table, setting)) for row in rows]
    tallies = {
        name: _tally(words[name], sum(cells.matches(row, only) for row in rows))
        for name, only in table.tallies.items()
    }
    return {
        "lines": _taken(made, table, "rows"),
        "notes": _taken(made, table, "notes"),
        "tallies": tallies,
        "script": {**_declared(table, setting), "words": words, "where": where or {}},
    }


def _taken(made: Sequence[tuple[Row, cells.Line]], table: Table, name: str) -> list[cells.Line]:
    """The lines of a list."""
    only = table.only.get(name, ())
    return [line for row, line in made if cells.matches(row, only)][: SHOWN.get(name)]


def _line(row: Row, table: Table, setting: Setting) -> cells.Line:
    return {**cells.line(row, table.cells, setting), "key": row[table.key]}


def _tally(pattern: str, count: int) -> str:
    return pattern % {"count": formats.number(count)} if count else ""


def _declared(table: Table, setting: Setting) -> dict[str, Any]:
    return {
        "of": table.of,
        "key": table.key,
        "limit": table.limit,
        "cells": table.cells,
        "only": table.only,
        "shown": SHOWN,
        "tallies": table.tallies,
        "grows": table.grows,
        "keeps": table.keeps,
        "order": table.order,
        "links": setting.links,
        "viewer": setting.viewer,
        "can": setting.can,
    }


def links(rights: Rights) -> dict[str, str]:
    """Where cells may lead this viewer: the task list (`tasks`), one thing (`PLACEHOLDER` stands
    for its id), and where an operation is stopped. Empty where they may not go."""
    found = dict.fromkeys(("tasks", *_TARGETS), "")
    if sight.refusal("tasks", rights) is None:
        found["tasks"] = reverse("headway:tasks")
    for name, of in _TARGETS.items():
        if sight.refusal(of, rights) is None:
            found[name] = _address(name)
    stop = f"api/v1/operations/{PLACEHOLDER}/stop"
    return {**found, "stop": reverse("headway:index") + stop}


def _address(name: str) -> str:
    if name == "operation":
        return f"{reverse('headway:audit')}?operation={PLACEHOLDER}"
    with contextlib.suppress(NoReverseMatch):
        return reverse(f"headway:{name}", args=[PLACEHOLDER])
    return ""
