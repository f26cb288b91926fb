"""What tokens a session was given, so that it can have them renewed: kept in the session itself."""

import contextlib
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.contrib.sessions.backends.signed_cookies import SessionStore as CookieSession
from django.http import HttpRequest

from realtime import codec

logger = logging.getLogger(__name__)

KEY = "headway_grants"
MAX_GRANTS = 500
"""Of one session, the newest: as many as one page follows."""
MAX_BYTES = 48_000
"""Of all of them as JSON, the newest: a session is read and written whole."""
MAX_COOKIE_BYTES = 2_000
"""The same where the session is a cookie: a browser keeps 4,096 bytes of one, in which it takes a
third more, beside what the project itself has there."""
MAX_WIDENED = 6_000
"""Letters of the ids in a token, up to which those are kept that were retried beside those that
they were retried as."""
LONGEST_S = 7 * 86_400.0
"""So long a page that stays open has its token renewed."""
MAX_RETRIES = 5
"""Of one task, one after the other, that are followed from what the session was given."""
AUTHOR = "embed"
"""Who acted, in the audit, where a token did."""
_A_READ = 500

Grants = list[dict[str, Any]]


class NoGrant(Exception):
    """The session was not given this: `status` is 401 where there is no session (any more), 403
    where it has others, 410 where it had it."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def remember(request: HttpRequest, claims: Mapping[str, Any], now: float) -> None:
    """Let this session renew a token of these claims. The oldest of the others go where the session
    has no room; ValueError where there is none even for this one."""
    session = getattr(request, "session", None)
    if session is None:
        logger.warning("A token for a request without a session cannot be renewed")
        return
    kept = {name: value for name, value in claims.items() if value not in (None, (), [])}
    kept = {name: list(v) if isinstance(v, tuple) else v for name, v in kept.items()}
    others = [grant for grant in _all(request) if grant.get("claims") != kept]
    session[KEY] = _newest([*others, {"claims": kept, "at": int(now)}], _room(session))


def find(request: HttpRequest, id_: str, now: float) -> dict[str, Any]:
    """The claims of the newest token that this session was given for a task or a group of this id,
    or for the task that a retry made it of, with whatever else of it was retried since; `NoGrant`
    where there is none. May raise `StoreUnavailable`."""
    found = _find(request, id_, now)
    claims = dict(found["claims"])
    if "retry" not in claims.get("can", ()) or not claims.get("tasks"):
        return claims
    widened = _widened(claims["tasks"], _retried(claims["tasks"]))
    if widened != claims["tasks"]:
        claims["tasks"] = widened
        # In its place, at its age: a page that is open for days asks of what was retried first.
        grants = [each for each in _all(request) if each is not found]
        room = _room(request.session)
        grants.append({"claims": claims, "at": found.get("at", 0)})
        with contextlib.suppress(ValueError):
            request.session[KEY] = _newest(grants, room)
    return claims


def covers(request: HttpRequest, kind: str, id_: str, now: float) -> dict[str, Any] | None:
    """The claims that this session was given for a task (`tasks`) or a group (`groups`)."""
    try:
        claims = find(request, id_, now)
    except NoGrant:
        return None
    return claims if id_ in claims.get(kind, ()) else None


def _find(request: HttpRequest, id_: str, now: float) -> dict[str, Any]:
    grants = _all(request)
    if not grants:
        raise NoGrant(401)
    found = next((grant for grant in reversed(grants) if id_ in _ids(grant)), None)
    if found is None:
        origin = _retried(_repeatable(grants, now)).get(id_)
        found = next(
            (grant for grant in reversed(grants) if origin in _ids(grant) and _may_retry(grant)),
            None,
        )
    if found is None:
        raise NoGrant(403)
    if now - float(found.get("at", 0)) > LONGEST_S:
        raise NoGrant(410)
    return found


def _repeatable(grants: Grants, now: float) -> list[str]:
    """The tasks of which a page of this session may have been given another in their place."""
    return [
        id_
        for grant in grants
        if _may_retry(grant) and now - float(grant.get("at", 0)) <= LONGEST_S
        for id_ in grant["claims"].get("tasks", ())
    ]


def _may_retry(grant: Mapping[str, Any]) -> bool:
    return "retry" in grant["claims"].get("can", ())


def _retried(ids: Iterable[str]) -> dict[str, str]:
    """By the task that a token's retry sent, which of these it was first."""
    from dashboard.changes import translated

    origin = {each: each for each in ids}
    found: dict[str, str] = {}
    for _ in range(MAX_RETRIES):
        with translated():
            pairs = [pair for some in _pieces(list(origin)) for pair in _made_of(some)]
        origin = {new: origin[target] for target, new in pairs if new not in found}
        if not origin:
            break
        found |= origin
    return found


def _made_of(ids: Sequence[str]) -> list[tuple[str, str]]:
    from dashboard.models import Audit

    made = Audit.objects.filter(
        target__in=ids, user=AUTHOR, action="retry", outcome="done", new_id__isnull=False
    )
    return [(str(target), str(new)) for target, new in made.values_list("target", "new_id")]


def _widened(tasks: Sequence[str], retried: Mapping[str, str]) -> list[str]:
    """The tasks with those that they were retried as: beside them, since another page may follow
    the first one still, or in their place where that would be too many for a token."""
    newest = {origin: new for new, origin in retried.items()}
    both = [*tasks, *(new for new in retried if new not in tasks)]
    if len(both) <= _A_READ and sum(map(len, both)) <= MAX_WIDENED:
        return both
    return [newest.get(task, task) for task in tasks]


def _pieces(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), _A_READ):
        yield ids[start : start + _A_READ]


def _room(session: Any) -> int:
    return MAX_COOKIE_BYTES if isinstance(session, CookieSession) else MAX_BYTES


def _newest(grants: Grants, room: int) -> Grants:
    """The newest of these that there is room for, in their order."""
    grants = grants[-MAX_GRANTS:]
    if len(codec.encode(grants)) <= room:
        return grants
    kept: Grants = []
    for grant in reversed(grants):
        room -= len(codec.encode(grant)) + 1
        if room < 0:
            break
        kept.append(grant)
    if not kept:
        raise ValueError(
            "The session has no room for what this token is for. Mint it for a group, for fewer"
            " tasks, or keep sessions on the server (SESSION_ENGINE)."
        )
    return kept[::-1]


def _ids(grant: Mapping[str, Any]) -> list[str]:
    claims = grant["claims"]
    return [*claims.get("tasks", ()), *claims.get("groups", ())]


def _all(request: HttpRequest) -> Grants:
    session = getattr(request, "session", None)
    kept = session.get(KEY) if session is not None else None
    if not isinstance(kept, list):
        return []
    return [grant for grant in kept if isinstance(grant, dict) and "claims" in grant]
