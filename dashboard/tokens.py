"""Embed tokens: what lets somebody without an account follow one task, and nothing else.

A token is a JWT (HS256) that names its tasks, its groups or an owner. Any program that has the key
can make one (docs/how-to/mint-tokens-elsewhere.md); `mint` does it here.
"""

import functools
import logging
import math
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import jwt
from celery.result import AsyncResult, GroupResult
from django.http import HttpRequest
from jwt.types import Options

from dashboard import conf, granting
from dashboard.threads import awaited
from realtime.core.public import CAN, GROUP, MAX_ID_LENGTH, TASK, Expected, subject_of
from realtime.embedding import BadToken, Grant, PublicReads
from realtime.ports import StoreUnavailable

logger = logging.getLogger(__name__)

ALGORITHM = "HS256"
AUDIENCE = "headway"
DEFAULT_TTL_S = 900
LONGEST_S = 86_400
SKEW_S = 60
"""By so much the clock of another program that mints may go ahead."""
MAX_LENGTH = 16_000
"""Letters: a token fits into one frame of the live socket."""
MAX_IDS = 500
MAX_LABEL = 200

_NUMERIC = (int, float)
_HALVES = re.compile("[\ud800-\udfff]")
_UNVERIFIED: Options = {
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}
"""PyJWT checks algorithm and signature. The claims are checked here: by the caller's clock, and by
types that PyJWT converts."""

_SENTENCES: Mapping[str, str] = {
    "not_configured": "Embedding is off here: HEADWAY_EMBED_KEY is not set.",
    "wrong_audience": "The token is for another program than Headway.",
    "token_expired": "The token has expired.",
    "too_long_lived": "The token is valid for longer than 24 hours.",
}


class Claims(NamedTuple):
    """What a token is minted from."""

    tasks: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    owner: str | None = None
    label: str | None = None
    can: tuple[str, ...] = ()
    ttl: int = DEFAULT_TTL_S


class EmbedTokens:
    """Tells what tokens allow: the `Tokens` of these keys, the first of which signs."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = tuple(keys)
        self._jwt = jwt.PyJWT()

    def verify(self, token: object, now: float) -> Grant:
        """What this token allows at `now` (Unix seconds); `BadToken` says why nothing."""
        if not self._keys:
            raise _bad("not_configured")
        return _grant(self._signed(token), now)

    def sign(self, claims: Claims, now: float, expires_at: float | None = None) -> str:
        """A token of these claims; `expires_at` (Unix seconds) in place of their ttl. `BadToken`
        where there is no key, ValueError where it would be too long."""
        if not self._keys:
            raise _bad("not_configured")
        issued_at = math.floor(now)
        payload: dict[str, Any] = {
            "aud": AUDIENCE,
            "iat": issued_at,
            "exp": issued_at + claims.ttl if expires_at is None else math.floor(expires_at),
        }
        for name in ("tasks", "groups", "can"):
            if values := getattr(claims, name):
                payload[name] = list(values)
        for name in ("owner", "label"):
            if (value := getattr(claims, name)) is not None:
                payload[name] = value
        token = self._jwt.encode(payload, self._keys[0], ALGORITHM)
        if len(token) > MAX_LENGTH:
            raise ValueError("These are too many tasks for one token: follow their group instead.")
        return token

    def _signed(self, token: object) -> Mapping[str, object]:
        """The payload, where one of the keys signed it."""
        if not isinstance(token, str) or not 0 < len(token) <= MAX_LENGTH:
            raise _malformed("It is no text of a sensible length.")
        for key in self._keys:
            try:
                payload = self._jwt.decode(token, key, [ALGORITHM], options=_UNVERIFIED)
            except jwt.InvalidSignatureError:
                continue
            except (jwt.InvalidAlgorithmError, jwt.InvalidKeyError):
                raise _malformed(f"Its algorithm is not {ALGORITHM}.", "bad_algorithm") from None
            except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
                # What a stranger wrote may break any reader; nothing of it is repeated.
                raise _malformed("It cannot be read.") from None
            return payload
        raise _malformed("Its signature is not by any key of this server.", "bad_signature")


def current() -> EmbedTokens:
    """The tokens by the keys of `HEADWAY_EMBED_KEY`."""
    return _of(conf.current().embed_key)


def mint(
    task: object = None,
    *,
    group: object = None,
    owner: str | None = None,
    label: object = None,
    can: Iterable[str] | str = (),
    ttl: int = DEFAULT_TTL_S,
    request: HttpRequest | None = None,
) -> str:
    """A token for a task, several tasks, a group, or every task of an owner.

    `task` is an id, an `AsyncResult` (of a chain: all its steps), a `GroupResult`, or several of
    these; `group` is a group's id or `GroupResult`. `label` is what the task is called on the page.
    `can` holds any of `result`, `cancel`, `retry`. `ttl` is in seconds, 24 hours at most. With
    `request` its session may have the token renewed (`POST embed/refresh/`).

    It counts as word that the tasks were handed over. Raises ValueError for what makes no token,
    and `BadToken` where `HEADWAY_EMBED_KEY` is not set.
    """
    claims = claims_of(task, group=group, owner=owner, label=label, can=can, ttl=ttl)
    token = current().sign(claims, time.time())
    if request is not None:
        granting.remember(request, claims._asdict(), time.time())
    vouch(expectations(claims, group if group is not None else task, time.time()))
    return token


amint = awaited(mint)
"""`mint` for coroutines."""


def claims_of(
    task: object = None,
    *,
    group: object = None,
    owner: str | None = None,
    label: object = None,
    can: Iterable[str] | str = (),
    ttl: int = DEFAULT_TTL_S,
) -> Claims:
    """The claims of such a token; ValueError says what is wrong with it."""
    if sum(each is not None for each in (task, group, owner)) != 1:
        raise ValueError("A token is for tasks, for a group or for an owner: one of them.")
    if _is_group(task):
        task, group = None, task
    granted = tuple(dict.fromkeys(can.replace(",", " ").split() if isinstance(can, str) else can))
    if not set(granted) <= CAN:
        raise ValueError(f"can holds any of {', '.join(sorted(CAN))}.")
    if isinstance(ttl, bool) or not 1 <= ttl <= LONGEST_S:
        raise ValueError(f"ttl is from 1 to {LONGEST_S} seconds.")
    return Claims(
        tasks=() if task is None else _checked(_task_ids(task), MAX_IDS),
        groups=() if group is None else _checked([_id(group)], 1),
        owner=None if owner is None else _checked([str(owner)], 1)[0],
        label=_checked([str(label)[:MAX_LABEL]], 1)[0] if label else None,
        can=granted,
        ttl=int(ttl),
    )


def expectations(claims: Claims, what: object, now: float) -> dict[str, Expected]:
    """What minting this vouches for, by subject; a `GroupResult` tells how many there will be."""
    total = len(what) if isinstance(what, GroupResult) else None
    found = {subject_of(TASK, id_): Expected(now) for id_ in claims.tasks}
    return found | {subject_of(GROUP, id_): Expected(now, total) for id_ in claims.groups}


def grant_of(claims: Claims, now: float) -> Grant:
    """What a token of these claims allows that is signed at `now`."""
    return Grant(
        tasks=frozenset(claims.tasks),
        groups=frozenset(claims.groups),
        owner=claims.owner,
        can=frozenset(claims.can),
        label=claims.label,
        issued_at=math.floor(now),
        expires_at=math.floor(now) + claims.ttl,
    )


def vouch(subjects: Mapping[str, Expected]) -> None:
    """Store that these were handed over. A page is not to fail for it: the token says so again."""
    if not subjects:
        return
    try:
        reader().vouch(subjects)
    except StoreUnavailable:
        logger.warning("Not stored: what was handed over", extra={"action": "vouch"})


def reader() -> PublicReads:
    """Where it is stored what was handed over, and what the answers are read from: one of this
    process, for what many pages ask for."""
    return _reader()


def of_grant(grant: Grant) -> Claims:
    """The claims that a grant was made from."""
    return Claims(
        tasks=tuple(sorted(grant.tasks)),
        groups=tuple(sorted(grant.groups)),
        owner=grant.owner,
        label=grant.label,
        can=tuple(sorted(grant.can)),
    )


@functools.cache
def _reader() -> PublicReads:
    from dashboard.public import PublicReader
    from dashboard.recent import RecentReads

    return RecentReads(PublicReader())


@functools.lru_cache(maxsize=4)
def _of(keys: tuple[str, ...]) -> EmbedTokens:
    return EmbedTokens(keys)


def _grant(payload: Mapping[str, object], now: float) -> Grant:
    audience = payload.get("aud")
    if audience != AUDIENCE and not (isinstance(audience, list) and AUDIENCE in audience):
        raise _bad("wrong_audience")
    expires_at = _instant(payload, "exp")
    if expires_at is None:
        raise _malformed("It has no exp.")
    issued_at = _instant(payload, "iat")
    begins_at = max(issued_at or 0.0, _instant(payload, "nbf") or 0.0)
    if begins_at > now + SKEW_S:
        raise _malformed("It begins in the future.")
    if expires_at <= now:
        raise _bad("token_expired")
    if expires_at - (now if issued_at is None else issued_at) > LONGEST_S:
        raise _bad("too_long_lived")
    if sum(payload.get(name) is not None for name in ("tasks", "groups", "owner")) != 1:
        raise _malformed("It is for tasks, for groups or for an owner: one of them.")
    return Grant(
        tasks=_ids(payload, "tasks"),
        groups=_ids(payload, "groups"),
        owner=_text(payload, "owner", MAX_ID_LENGTH),
        can=_abilities(payload),
        label=_text(payload, "label", MAX_LABEL),
        issued_at=now if issued_at is None else issued_at,
        expires_at=expires_at,
    )


def _instant(payload: Mapping[str, object], name: str) -> float | None:
    value = payload.get(name)
    if value is None:
        return None
    # An integer may be larger than any float.
    if isinstance(value, _NUMERIC) and not isinstance(value, bool) and abs(value) < 1e12:
        return float(value)
    raise _malformed(f"Its {name} is no instant in seconds.")


def _ids(payload: Mapping[str, object], name: str) -> frozenset[str]:
    value = payload.get(name)
    if value is None:
        return frozenset()
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_IDS:
        raise _malformed(f"Its {name} are no list of 1 to {MAX_IDS} ids.")
    are_texts = all(isinstance(id_, str) and 1 <= len(id_) <= MAX_ID_LENGTH for id_ in value)
    # All at once: one by one they would take longer than the signature.
    if not are_texts or not _is_text("".join(value), MAX_LENGTH):
        raise _malformed(f"Its {name} hold what is no id.")
    return frozenset(value)


def _text(payload: Mapping[str, object], name: str, longest: int) -> str | None:
    value = payload.get(name)
    if value is None or (isinstance(value, str) and _is_text(value, longest)):
        return value
    raise _malformed(f"Its {name} is no text of 1 to {longest} letters.")


def _abilities(payload: Mapping[str, object]) -> frozenset[str]:
    value = payload.get("can", [])
    if isinstance(value, list) and all(isinstance(word, str) and word in CAN for word in value):
        return frozenset(value)
    raise _malformed(f"Its can holds other words than {', '.join(sorted(CAN))}.")


def _is_text(value: object, longest: int) -> bool:
    """Whether a store can hold it: neither NUL nor half of a pair."""
    if not isinstance(value, str) or not 1 <= len(value) <= longest or "\x00" in value:
        return False
    return value.isascii() or not _HALVES.search(value)


def _checked(texts: Iterable[str], most: int) -> tuple[str, ...]:
    unique = tuple(dict.fromkeys(texts))
    if not 1 <= len(unique) <= most:
        raise ValueError(f"A token is for 1 to {most} ids, not for {len(unique)}.")
    for text in unique:
        if not _is_text(text, MAX_ID_LENGTH):
            raise ValueError(f"A token holds texts of 1 to {MAX_ID_LENGTH} letters.")
    return unique


def _is_group(value: object) -> bool:
    if isinstance(value, GroupResult):
        return True
    if value is None or isinstance(value, str | AsyncResult | list | tuple):
        return False
    from dashboard.status import Group

    return isinstance(value, Group)


def _task_ids(task: object) -> list[str]:
    if isinstance(task, str | AsyncResult) or not isinstance(task, Iterable):
        return _steps(task)
    return [id_ for each in task for id_ in _steps(each)]


def _steps(task: object) -> list[str]:
    """The ids of a chain in the order they run in; of anything else its own. A group amid a chain
    shows by what comes after it."""
    if not isinstance(task, AsyncResult):
        return [_id(task)]
    found: list[str] = []
    step: Any = task
    while step is not None and len(found) < MAX_IDS:
        if not isinstance(step, GroupResult):
            found.append(str(step.id))
        step = step.parent
    return found[::-1]


def _id(value: object) -> str:
    """Of a text itself, else of whatever has an id: results, and what `dashboard.status` gives."""
    if isinstance(value, str):
        return value
    id_ = getattr(value, "id", None)
    if id_ is None:
        raise ValueError("A token is for ids, or for what has an id.")
    return str(id_)


def _bad(code: str) -> BadToken:
    return BadToken(code, _SENTENCES[code])


def _malformed(why: str, reason: str = "malformed") -> BadToken:
    return BadToken("bad_token", f"The token is not valid. {why}", reason)
