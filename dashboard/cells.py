"""The cells of a table of told rows, as its page declares them: `{"depth": ("number", "depth")}`.

A cell is a form and its arguments, most often names of the row's fields. The server makes the first
lines of a table with it, `static/headway/cells.js` makes those that follow from the same
declaration; tests/vectors/cells.json holds both to it. `bind.js` says how a template shows them.

All functions are pure. Instants come in Unix seconds.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from dashboard import formats, geometry, overview, phrases, presentation, words
from dashboard.said import said

Row = Mapping[str, Any]
Cell = Sequence[str]
Cells = Mapping[str, Cell]
Line = dict[str, Any]

PLACEHOLDER = overview.PLACEHOLDER
SKEW_LIMIT_S = presentation.SKEW_LIMIT_S
_SAFE = "!'()*~"
"""What encodeURIComponent leaves as it is."""
_LISTED = 3
"""Of a list, the rest is counted."""
_MORE = re.compile(r"%\(more\)s")


class Setting(NamedTuple):
    """What cells need beside their row."""

    now: float
    words: Mapping[str, str] = {}
    """The page's own, by key."""
    links: Mapping[str, str] = {}
    """Addresses by name, empty where the viewer may not go; `ID_PLACEHOLDER` stands for an id."""
    most: Mapping[str, float] = {}
    """The highest value of a field in all rows."""
    viewer: str = ""
    can: Sequence[str] = ()


def line(row: Row, cells: Cells, setting: Setting) -> Line:
    """The cells of one row by name: texts, and what `bind.js` draws from."""
    return {name: FORMS[form](row, setting, *given) for name, (form, *given) in cells.items()}


def most(rows: Sequence[Row], cells: Cells) -> dict[str, float]:
    """The highest value of every field of which a cell shows the share."""
    fields = {cell[1] for cell in cells.values() if cell[0] == "share" and len(cell) == 2}
    return {field: max((row.get(field) or 0 for row in rows), default=0) for field in fields}


def matches(row: Row, only: Sequence[str]) -> bool:
    """Whether the field `only[0]` has one of the other values; without any, whether it has one."""
    if not only:
        return True
    field, *values = only
    return str(row.get(field)) in values if values else bool(row.get(field))


def _text(row: Row, _: Setting, field: str) -> str:
    value = row.get(field)
    return "" if value is None else str(value)


def _number(row: Row, _: Setting, *fields: str) -> str:
    """The first of the fields that is known."""
    known = (row[field] for field in fields if row.get(field) is not None)
    return formats.number(next(known, None))


def _capped(row: Row, _: Setting, field: str, is_capped: str) -> str:
    value = row.get(field)
    return formats.NONE if value is None else formats.capped((value, bool(row.get(is_capped))))


def _rate(row: Row, _: Setting, field: str) -> str:
    return overview.rate(row.get(field))


def _offset(row: Row, _: Setting, field: str) -> str:
    return formats.offset(row.get(field))


def _is_skewed(row: Row, _: Setting, field: str) -> bool:
    return bool(abs(row.get(field) or 0) >= SKEW_LIMIT_S)


def _load(row: Row, _: Setting, field: str, which: str = "") -> str:
    load = row.get(field) or ()
    if which == "all":
        return " ".join(map(_hundredths, load))
    return _hundredths(load[0]) if load else formats.NONE


def _hundredths(value: float) -> str:
    return formats.decimal(int(value * 100 + 0.5) / 100, 2)


def _short(row: Row, _: Setting, field: str) -> str:
    return formats.short_id(str(row.get(field) or ""))


def _listed(row: Row, _: Setting, field: str, count: str = "") -> str:
    names = row.get(field) or ()
    rest = max(len(names), row.get(count) or 0) - _LISTED
    shown = ", ".join(names[:_LISTED])
    return f"{shown} +{rest}" if rest > 0 else shown


def _all(row: Row, _: Setting, field: str) -> str:
    return ", ".join(row.get(field) or ())


def _pairs(row: Row, _: Setting, field: str) -> str:
    """`0: 12 · 3: 4`, by number; empty where there is but the usual one."""
    pairs = row.get(field) or {}
    if not set(pairs) - {"0"}:
        return ""
    ordered = sorted(pairs, key=lambda key: (len(key), key))
    return " · ".join(f"{key}: {formats.number(pairs[key])}" for key in ordered)


def _part_of_name(row: Row, _: Setting, field: str, part: str) -> str:
    """Of a worker's name the node or the host, of a task's the module or the function."""
    text = row.get(field) or ""
    split = formats.worker if part in ("node", "host") else formats.name
    return split(text)[0 if part in ("node", "module") else 1] if text else ""


def _flag(row: Row, _: Setting, field: str, *values: str) -> bool:
    return matches(row, (field, *values))


def _absent(row: Row, _: Setting, field: str) -> bool:
    return not row.get(field)


def _word(row: Row, setting: Setting, field: str, *prefix: str) -> str:
    """The word for a value; the value itself where there is none."""
    value = _text(row, setting, field)
    return setting.words.get(f"{prefix[0] if prefix else field}_{value}", value) if value else ""


def _health(row: Row, _: Setting, field: str) -> str:
    return str(words.HEALTH.get(row.get(field) or "", row.get(field) or ""))


def _chip(row: Row, _: Setting, field: str) -> dict[str, str]:
    value = row.get(field)
    if not value:
        return {"state": "", "word": ""}
    state = value if value in words.STATES else "unknown"
    return {"state": state, "word": str(words.STATES[state])}


def _age(row: Row, setting: Setting, field: str, key: str = "") -> overview.Sentence:
    """How long ago, alone or within the words under `key`; a dash, or nothing, where unknown."""
    at = row.get(field)
    if at is None:
        return overview.sentence("" if key else formats.NONE, None, setting.now)
    return overview.sentence(setting.words[key] if key else "%(time)s", at, setting.now)


def _counted(
    row: Row, setting: Setting, key: str, field: str, at: str = "", *others: str
) -> overview.Sentence:
    """The words under `key_one` or `key_many`, with the number and an age; nothing for none."""
    count = row.get(field)
    if not count:
        return overview.sentence("", None, setting.now)
    pattern = setting.words[f"{key}_{'one' if count == 1 else 'many'}"]
    values = {other: _text(row, setting, other) for other in others}
    since = row.get(at) if at else None
    return overview.sentence(pattern, since, setting.now, count=formats.number(count), **values)


def _timeline(row: Row, _: Setting, field: str, places: str) -> geometry.Line:
    return geometry.timeline(row.get(field) or (), int(places))


def _empties(row: Row, setting: Setting, depth: str, leaving: str, warning: str) -> str:
    """In how long what waits is gone, at so much a minute and if nothing new came; the words under
    `empties_WARNING` where it grows, and `empties_never` where nothing leaves."""
    waits, rate = row.get(depth), row.get(leaving)
    if not waits or rate is None:
        return formats.NONE
    if word := setting.words.get(f"empties_{row.get(warning)}"):
        return word
    return formats.age(60 * waits / rate) if rate > 0 else setting.words["empties_never"]


def _fill(row: Row, setting: Setting, key: str, *fields: str) -> str:
    return setting.words[key] % {field: _text(row, setting, field) for field in fields}


def _due(row: Row, setting: Setting, field: str) -> Line:
    """A countdown, which the page's ticker goes on with."""
    at = row.get(field)
    if at is None:
        return {"text": formats.NONE, "until": None, "pattern": "", "due": ""}
    pattern, due = setting.words["due_in"], setting.words["due_now"]
    left = at - setting.now
    text = pattern % {"time": formats.age(left)} if left > 0 else due
    return {"text": text, "until": at, "pattern": pattern, "due": due}


def _instant(row: Row, _: Setting, field: str) -> Line:
    """A moment, which the page's script writes in the viewer's zone."""
    return {"at": row.get(field)}


def _phrase(row: Row, setting: Setting, field: str) -> str:
    """A schedule in plain words; as it is written where there are none."""
    raw = str(row.get(field) or "")
    return phrases.plain(raw, setting.words) or raw


def _raw(row: Row, setting: Setting, field: str) -> str:
    """The schedule as it is written, where that is not shown yet."""
    raw = str(row.get(field) or "")
    return raw if phrases.plain(raw, setting.words) else ""


def _reason(row: Row, setting: Setting, field: str, detail: str) -> str:
    """The sentence of a reason in the page's language; as it was told where it names something."""
    sentence = setting.words.get(f"reason_{row.get(field)}", "")
    told = said(_text(row, setting, detail))
    return told if not sentence or _MORE.search(sentence) else sentence


def _said(row: Row, setting: Setting, field: str) -> str:
    """A sentence of the core in the page's language."""
    return said(_text(row, setting, field))


def _use(row: Row, _: Setting, used: str, of: str) -> str:
    slots, busy = row.get(of), row.get(used) or 0
    return f"{busy}/{slots}" if slots else str(busy)


def _sum(row: Row, _: Setting, *fields: str) -> str:
    """`312 of 1,204` without its words: the sum of all but the last, and the last."""
    *parts, of = fields
    done = sum(row.get(part) or 0 for part in parts)
    return f"{formats.number(done)} / {formats.number(row.get(of) or 0)}"


def _share(row: Row, setting: Setting, *fields: str) -> str:
    """Of the highest in all rows; with several fields, of the last of them."""
    *parts, of = fields
    if not parts:
        return geometry.share(row.get(of) or 0, setting.most.get(of, 0))
    return geometry.share(sum(row.get(part) or 0 for part in parts), row.get(of) or 0)


def _search(row: Row, setting: Setting, key: str, field: str, *terms: str) -> str:
    value = row.get(field)
    if not value or not setting.links.get("tasks"):
        return ""
    return overview.search(setting.links, presentation.term(key, value), *terms)


def _find(row: Row, setting: Setting, field: str) -> str:
    """The tasks that a query finds."""
    value = row.get(field)
    if value is None or not setting.links.get("tasks"):
        return ""
    return overview.search(setting.links, value)


def _link(row: Row, setting: Setting, name: str, field: str) -> str:
    value, address = row.get(field), setting.links.get(name, "")
    return address.replace(PLACEHOLDER, quote(str(value), safe=_SAFE)) if value else ""


def _target(row: Row, setting: Setting, kind: str, field: str) -> str:
    """Where what was acted on is seen."""
    of = str(row.get(kind))
    return _find(row, setting, field) if of == "query" else _link(row, setting, of, field)


def _ability(row: Row, setting: Setting, name: str, field: str, user: str, action: str) -> str:
    """A link for who may follow it: the row's own user, and who may do the same."""
    needed = setting.words.get(f"needs_{row.get(action)}", "")
    is_allowed = row.get(user) == setting.viewer or needed in setting.can
    return _link(row, setting, name, field) if is_allowed else ""


FORMS: Mapping[str, Callable[..., Any]] = {
    "ability": _ability,
    "absent": _absent,
    "age": _age,
    "all": _all,
    "capped": _capped,
    "chip": _chip,
    "counted": _counted,
    "due": _due,
    "empties": _empties,
    "fill": _fill,
    "find": _find,
    "flag": _flag,
    "health": _health,
    "instant": _instant,
    "is_skewed": _is_skewed,
    "link": _link,
    "listed": _listed,
    "load": _load,
    "name": _part_of_name,
    "number": _number,
    "offset": _offset,
    "pairs": _pairs,
    "phrase": _phrase,
    "rate": _rate,
    "raw": _raw,
    "reason": _reason,
    "said": _said,
    "search": _search,
    "share": _share,
    "short": _short,
    "sum": _sum,
    "target": _target,
    "text": _text,
    "timeline": _timeline,
    "use": _use,
    "word": _word,
}
