"""What tokens a session was given, so that it can have them renewed: kept in the session itself."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from django.http import HttpRequest

logger = logging.getLogger(__name__)

KEY = "headway_grants"
MAX_GRANTS = 100
"""Of one session, the newest: older pages have to be loaded again."""
LONGEST_S = 7 * 86_400.0
"""So long a page that stays open has its token renewed."""
MAX_RETRIES = 5
"""Of one task, one after the other, that are followed back to what the session was given."""
AUTHOR = "embed"
"""Who acted, in the audit, where a token did."""


class NoGrant(Exception):
    """The session was not given this: `status` is 401 where there is no session (any more), 403
    where it has others, 410 where it had it."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def remember(request: HttpRequest, claims: Mapping[str, Any], now: float) -> None:
    """Let this session renew a token of these claims."""
    session = getattr(request, "session", None)
    if session is None:
        logger.warning("A token for a request without a session cannot be renewed")
        return
    kept = {name: value for name, value in claims.items() if value not in (None, (), [])}
    kept = {name: list(v) if isinstance(v, tuple) else v for name, v in kept.items()}
    others = [grant for grant in _all(request) if grant.get("claims") != kept]
    session[KEY] = [*others, {"claims": kept, "at": int(now)}][-MAX_GRANTS:]


def find(request: HttpRequest, id_: str, now: float) -> dict[str, Any]:
    """The claims of the newest token that this session was given for a task or a group of this id,
    or for the task that a retry made it of; `NoGrant` where there is none. May raise
    `StoreUnavailable`."""
    grants = _all(request)
    if not grants:
        raise NoGrant(401)
    found = next((grant for grant in reversed(grants) if id_ in _ids(grant)), None)
    if found is None:
        return _of_retry(request, grants, id_, now)
    if now - float(found.get("at", 0)) > LONGEST_S:
        raise NoGrant(410)
    return dict(found["claims"])


def covers(request: HttpRequest, kind: str, id_: str, now: float) -> dict[str, Any] | None:
    """The claims that this session was given for a task (`tasks`) or a group (`groups`)."""
    try:
        claims = find(request, id_, now)
    except NoGrant:
        return None
    return claims if id_ in claims.get(kind, ()) else None


def _of_retry(
    request: HttpRequest, grants: list[dict[str, Any]], id_: str, now: float
) -> dict[str, Any]:
    for grant in reversed(grants):
        claims = grant["claims"]
        if "retry" in claims.get("can", ()) and now - float(grant.get("at", 0)) <= LONGEST_S:
            replaced = _replaced(claims.get("tasks", ()), id_)
            if replaced is not None:
                tasks = [id_ if each == replaced else each for each in claims["tasks"]]
                fresh = {**claims, "tasks": tasks}
                remember(request, fresh, now)
                return fresh
    raise NoGrant(403)


def _replaced(ids: Iterable[str], id_: str) -> str | None:
    """Which of these tasks was retried, by a token, as `id_`."""
    from dashboard.changes import translated
    from dashboard.models import Audit

    origin = {each: each for each in ids}
    for _ in range(MAX_RETRIES):
        if not origin:
            return None
        made = Audit.objects.filter(
            target__in=list(origin), user=AUTHOR, action="retry", new_id__isnull=False
        )
        with translated():
            pairs = list(made.values_list("target", "new_id"))
        origin = {str(new): origin[target] for target, new in pairs}
        if id_ in origin:
            return origin[id_]
    return None


def _ids(grant: Mapping[str, Any]) -> Iterable[str]:
    claims = grant["claims"]
    return [*claims.get("tasks", ()), *claims.get("groups", ())]


def _all(request: HttpRequest) -> list[dict[str, Any]]:
    session = getattr(request, "session", None)
    kept = session.get(KEY) if session is not None else None
    if not isinstance(kept, list):
        return []
    return [grant for grant in kept if isinstance(grant, dict) and "claims" in grant]
