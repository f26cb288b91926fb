"""Values that complete a term of a query: those that stored tasks have.

Read by jumping through an index from one value to the next, so that neither a million tasks nor
one very common value makes it slow. Whoever sees only some tasks is offered the values of the
newest of theirs.
"""

from collections.abc import Iterable

from django.db import DEFAULT_DB_ALIAS

from dashboard import snapshots
from dashboard.snapshots import Snapshot
from realtime.ports import Rights, Select, Snapshots

KINDS = ("name", "queue", "worker", "owner", "label")
MAX_VALUES = 50
MAX_KNOWN = 500
"""Values that are looked through for one that begins so after a dot: as many as rollups keep."""
MAX_RECENT = 2_000
"""Rows whose labels are looked at: no index has them."""
MAX_OWN = 500
"""Rows of a viewer who sees only some."""
_PARTS = str.maketrans("_@-:/", ".....")


def values(reader: Snapshots, rights: Rights, of: str, starts: str, now: float) -> list[str]:
    """At most `MAX_VALUES` values of one of `KINDS` that begin with `starts`, or, after those, that
    have a part that does: `pay` finds `shop.pay`. Upper and lower case are the same there."""
    if rights.rows.terms:
        page = reader.page(Select("tasks", limit=MAX_OWN), rights.rows, now)
        return _ranked([str(row.get(of) or "") for row in page.rows], starts)
    return snapshots.read(DEFAULT_DB_ALIAS, lambda snapshot: _stored(snapshot, of, starts))


def _stored(snapshot: Snapshot, of: str, starts: str) -> list[str]:
    if of == "label":
        found = snapshot.fetch(
            "SELECT DISTINCT label FROM (SELECT label FROM headway_task"
            " ORDER BY first_seen_at DESC, id DESC LIMIT %s) AS recent WHERE label IS NOT NULL",
            (MAX_RECENT,),
        )
        return _ranked((value for (value,) in found), starts)
    exact = snapshots.distinct(snapshot, of, MAX_VALUES, starts) if starts else []
    begun = [value for value in exact if value.startswith(starts)]
    if len(begun) == MAX_VALUES:
        return begun
    return _ranked([*begun, *snapshots.distinct(snapshot, of, MAX_KNOWN)], starts)


def _ranked(found: Iterable[str | None], starts: str) -> list[str]:
    """What begins with the text, then what has a part that begins so, each in order."""
    wanted = starts.lower()
    known = {value for value in found if value}
    begun = sorted(value for value in known if value.lower().startswith(wanted))
    inside = sorted(value for value in known - set(begun) if _has_part(value, wanted))
    return [*begun, *inside][:MAX_VALUES]


def _has_part(value: str, wanted: str) -> bool:
    return f".{wanted.translate(_PARTS)}" in value.lower().translate(_PARTS)
