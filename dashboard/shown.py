"""What holders of embed tokens are answered: the public rows of what their tokens cover."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from dashboard import conf, queries, tokens
from dashboard.refused import count
from realtime.core import pace, public
from realtime.core.public import GROUP, TASK, Expected, Shown, subject_of
from realtime.core.task import QUEUED, RUNNING
from realtime.core.wire import Row
from realtime.embedding import BadToken, Grant, PublicPage, PublicReads
from realtime.standing import stream_row

NOT_ALLOWED = "This token is not for it."
MAX_SUBJECTS = 500
_USUAL_FOR = frozenset({QUEUED, "reserved", "scheduled", RUNNING, "retrying", "stalled"})


Vouch = Callable[[Mapping[str, Expected]], None]


class States(NamedTuple):
    """Public rows, and what is not shown and why, of one read."""

    rows: list[Row]
    errors: list[Row]
    epoch: str
    revision: int


def reader() -> PublicReads:
    """What the answers are read from."""
    return tokens.reader()


def verified(token: object, now: float) -> Grant:
    """What a token allows; `BadToken`, which is counted, says why nothing."""
    try:
        return tokens.current().verify(token, now)
    except BadToken as error:
        count(error.reason)
        raise


def grants(asked: Mapping[str, object], now: float) -> tuple[list[Grant], list[Row]]:
    """What these tokens (by the caller's keys) allow, and an error for each that is refused."""
    allowed: list[Grant] = []
    errors: list[Row] = []
    for key, token in asked.items():
        try:
            allowed.append(verified(token, now))
        except BadToken as error:
            is_old = error.code == "token_expired"
            told = {"key": key, "code": error.code, "message": error.message, "retry": is_old}
            errors.append(told)
    return allowed, errors


def states(
    allowed: Sequence[Grant],
    subjects: Iterable[str],
    now: float,
    *,
    told: Mapping[str, Expected] | None = None,
    vouch: Vouch | None = None,
    is_blind: bool | None = None,
) -> States:
    """The public rows of those of these subjects that the grants cover. What is known of others
    cannot be told from the answer. Raises `StoreUnavailable`.

    What the tokens vouch for, and what is `told` beside them, is stored by `vouch` (at once, for
    None) as far as it is news. `is_blind` says whether the cluster is heard of, where the caller
    knows it already."""
    ring = _Ring(allowed)
    wanted = list(dict.fromkeys(subjects))
    page = reader().public([subject for subject in wanted if ring.may_cover(subject)])
    covers = {subject: ring.cover(subject, page) for subject in wanted}
    found = {subject: cover for subject, cover in covers.items() if cover is not None}
    known = _vouched(found, page, told or {}, vouch or tokens.vouch)
    rows: dict[str, Row] = {}
    if found:
        rows = _rows(found, known, now, is_deaf(now) if is_blind is None else is_blind)
    errors: list[Row] = []
    for subject in wanted:
        if subject not in found:
            count("not_allowed")
            refusal = {"code": "not_allowed", "message": NOT_ALLOWED, "retry": False}
            errors.append({"subject": subject, **refusal})
    return States(list(rows.values()), errors, page.epoch, page.revision)


def one(grant: Grant, subject: str, now: float) -> Row | None:
    """The public row of one subject; None where the grant does not cover it. Raises
    `StoreUnavailable`."""
    found = states([grant], [subject], now)
    return found.rows[0] if found.rows else None


class _Cover(NamedTuple):
    """What the grants together allow of one subject."""

    shown: Shown
    issued_at: float | None
    """When the first that names it was issued; None where they only name its owner."""


class _Ring:
    """What some grants allow together, as a socket that holds them all would show it."""

    def __init__(self, grants: Iterable[Grant]) -> None:
        self._named: dict[str, list[Grant]] = {}
        self._owners: dict[str, list[Grant]] = {}
        for grant in grants:
            kinds = ((TASK, grant.tasks), (GROUP, grant.groups))
            for subject in [subject_of(kind, id_) for kind, ids in kinds for id_ in ids]:
                self._named.setdefault(subject, []).append(grant)
            if grant.owner is not None:
                self._owners.setdefault(grant.owner, []).append(grant)

    def may_cover(self, subject: str) -> bool:
        """Whether it is worth a look: what nothing can cover is not even read."""
        if "\x00" in subject:
            return False
        return subject in self._named or (bool(self._owners) and subject.startswith(f"{TASK}:"))

    def cover(self, subject: str, page: PublicPage) -> _Cover | None:
        """What is allowed of it; None for nothing."""
        named = self._named.get(subject, [])
        row = _held(subject, page) if self._owners and subject.startswith(f"{TASK}:") else None
        owned = self._owners.get(str(row.get("owner")), []) if row and row.get("owner") else []
        grants = list(dict.fromkeys((*named, *owned)))
        if not grants:
            return None
        seen = [grant.shown for grant in grants]
        shown = Shown(
            any(each.has_result for each in seen),
            next((each.label for each in seen if each.label), None),
            frozenset().union(*(each.actions for each in seen)),
        )
        return _Cover(shown, min((grant.issued_at for grant in named), default=None))


def _vouched(
    covers: Mapping[str, _Cover], page: PublicPage, told: Mapping[str, Expected], vouch: Vouch
) -> PublicPage:
    """The page with what the tokens vouch for: each is word that its tasks were handed over."""
    news = {
        subject: told.get(subject) or Expected(cover.issued_at)
        for subject, cover in covers.items()
        if cover.issued_at is not None
        and subject not in page.expected
        and _held(subject, page) is None
    }
    news |= {subject: word for subject, word in told.items() if _is_larger(word, page, subject)}
    if not news:
        return page
    vouch(news)
    return page._replace(expected={**page.expected, **news})


def _is_larger(word: Expected, page: PublicPage, subject: str) -> bool:
    """Whether it tells of more members than anybody did before."""
    known = page.expected.get(subject)
    return (word.total or 0) > (known.total or 0 if known is not None else 0)


def _held(subject: str, page: PublicPage) -> Row | None:
    kind, _, id_ = subject.partition(":")
    return (page.tasks if kind == TASK else page.groups).get(id_)


def _rows(
    covers: Mapping[str, _Cover], page: PublicPage, now: float, is_blind: bool
) -> dict[str, Row]:
    source = reader()
    held = {subject: _held(subject, page) for subject in covers}
    tasks = [row for subject, row in held.items() if row and subject.startswith(f"{TASK}:")]
    names = {str(row["name"]) for row in tasks if _is_usual(row)}
    usual = source.usual(names) if names else {}
    places = _places(source, tasks)
    found: dict[str, Row] = {}
    for subject, cover in covers.items():
        kind, _, id_ = subject.partition(":")
        row, expected = held[subject], page.expected.get(subject)
        left = _left(row, now)
        if kind == GROUP:
            found[subject] = public.group_row(
                row, expected, cover.shown, now, id=id_, left=left, is_blind=is_blind
            )
            continue
        found[subject] = public.task_row(
            row,
            expected,
            cover.shown,
            now,
            id=id_,
            left=left,
            usual=usual.get(str(row.get("name"))) if row else None,
            place=places.get(id_),
            public_errors=conf.current().public_errors,
            is_blind=is_blind,
        )
    return found


def _is_usual(row: Row) -> bool:
    return bool(row.get("name")) and row.get("status") in _USUAL_FOR


def _places(source: PublicReads, tasks: Iterable[Row]) -> dict[str, int]:
    """The place in line, from 1, of the tasks that wait in a queue."""
    waiting = {str(row["id"]) for row in tasks if row.get("status") == QUEUED and row.get("queue")}
    if not waiting:
        return {}
    queues = {str(row["queue"]) for row in tasks if str(row["id"]) in waiting}
    lines = source.places(queues)
    return {
        id_: number
        for line in lines.values()
        for number, (_, id_) in enumerate(line, 1)
        if id_ in waiting
    }


def _left(row: Row | None, now: float) -> float | None:
    """Seconds left at the average pace so far: this reader has no memory of the latest."""
    if row is None or row.get("status") != RUNNING:
        return None
    progress = row.get("progress")
    percent = progress.get("percent") if isinstance(progress, dict) else row.get("percent")
    began_at = row.get("started_at") or row.get("first_seen_at")
    if not isinstance(percent, int | float) or not isinstance(began_at, int | float):
        return None
    return pace.average(percent / 100, began_at, now)


def is_deaf(now: float) -> bool:
    """Whether nothing is heard of the cluster."""
    return bool(stream_row(queries.Reader().stream(), now)["state"] == "blind")


def instant() -> float:
    """Unix seconds; what tests hold still."""
    return time.time()
