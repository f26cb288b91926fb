"""Acts that only one process does at a time: whoever claims one first has it.

A claim is one statement that the database decides, whatever the number of processes, and is
committed before the act begins. A process that dies between the two leaves a claim that counts for
`LONGEST_S` and no longer.
"""

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator

from django.db import DEFAULT_DB_ALIAS, connections

from dashboard.changes import translated
from realtime.ports import StoreUnavailable

LONGEST_S = 120.0
"""Longer than any act takes: its database, its backend and its broker are waited for in seconds.
The clocks of web processes may differ by what is left."""

_CLAIM = (
    "INSERT INTO headway_claim (act, holder, at) VALUES (%s, %s, %s)"
    " ON CONFLICT (act) DO UPDATE SET holder = excluded.holder, at = excluded.at"
    " WHERE headway_claim.at < %s"
)
_END = "DELETE FROM headway_claim WHERE (act = %s AND holder = %s) OR at < %s"
_DEAD_S = 86_400.0
"""What processes that died have left is deleted by whoever comes by."""


class Taken(Exception):
    """Somebody else is doing this at the moment."""


@contextlib.contextmanager
def claimed(
    act: str, *, alias: str = DEFAULT_DB_ALIAS, now: Callable[[], float] = time.time
) -> Iterator[None]:
    """The act is the caller's for the time of the block; `Taken` where it is somebody else's.
    Raises `StoreUnavailable`, and then nothing was claimed."""
    holder = secrets.token_hex(16)
    at = now()
    if _execute(alias, _CLAIM, (act, holder, at, at - LONGEST_S)) == 0:
        raise Taken(act)
    try:
        yield
    finally:
        # A claim that cannot be given back ends by itself.
        with contextlib.suppress(StoreUnavailable):
            _execute(alias, _END, (act, holder, now() - _DEAD_S))


def _execute(alias: str, statement: str, values: tuple[str | float, ...]) -> int:
    with translated(), connections[alias].cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)
