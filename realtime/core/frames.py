"""The frames of the live socket (docs/reference/protocol.md): a client's, read into values, and
the words of both sides. What the server's are made of is in `framing`.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeGuard

from realtime.core import public

MAX_FRAME_BYTES = 16 * 1024
"""Of a client's frame, and of a piece of a snapshot or patch: a slow link delays others' news by
little, and an acknowledgement covers little."""
DEFAULT_LIMIT = 100
MAX_LIMIT = 500
MAX_IDS = 500
MAX_ID_LENGTH = 255
MAX_SUBJECTS = 500
"""That one view follows, and that one frame names."""
MAX_KEY_LENGTH = 64
MAX_NUMBER = 2**53
"""The largest whole number that JavaScript counts with."""

BAD_PEER = 4400
TOO_MANY = 4405
TOO_SLOW = 4408
NOT_ALLOWED = 4503
NO_RIGHT = 4504
BAD_TOKEN = 4505
"""Why a socket is closed. From 4500 on they mean: do not come back."""
RESTARTING = 4412
TRY_LATER = 4413
EXPIRED = 4414
"""Come back. Not the registered 1012 and 1013: autobahn, and so daphne, refuses to send those."""

TOLD = ("overview", "attention", "failures", "queues", "schedule", "audit", "operations")
"""What no batch tells of: only the store can say how it stands."""
SERVED = ("tasks", "task", "workers", "worker", *TOLD)
PROGRESS = "progress"
"""What a token's holder watches, by subject; all else is for those who may see tasks."""
PLANNED = ("group",)
SINGLE = ("task", "worker")
"""What is opened by `id`."""
SEARCHED = ("tasks", "failures")
"""What takes a query."""


class FrameError(Exception):
    """A client's frame that cannot be taken; `code` is for programs, the text for people."""

    def __init__(self, code: str, message: str, view: int | None = None, **details: Any) -> None:
        """`details` are further fields of the error frame: `at`, `until`, `allowed`, `retry`."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.view = view
        self.details = details


class Refused(Exception):
    """A connection that is not served: what its one `error` frame says, and the closing code."""

    def __init__(self, close_code: int, code: str, message: str, *, retry: bool) -> None:
        super().__init__(message)
        self.close_code = close_code
        self.fields = {"code": code, "message": message, "retry": retry}


class Since(NamedTuple):
    """Where a view stood that is resumed."""

    epoch: str
    revision: int


class Open(NamedTuple):
    """Watch. `ids` follows exactly these rows, in place of a query."""

    view: int
    of: str
    query: str = ""
    limit: int = DEFAULT_LIMIT
    ids: tuple[str, ...] = ()
    since: Since | None = None


class Close(NamedTuple):
    """Stop watching."""

    view: int


class Ack(NamedTuple):
    """Everything up to this frame has been applied."""

    frame: int


class Token(NamedTuple):
    """Show what this token allows. `key` is the peer's own name for it: another token of that name
    takes its place."""

    key: str
    token: str


class Subjects(NamedTuple):
    """Change what a view of progress follows: `task:<id>` and `group:<id>`."""

    view: int
    add: tuple[str, ...]
    remove: tuple[str, ...]


Op = Open | Close | Ack | Token | Subjects
Fields = Mapping[str, object]


def is_oversize(text: str) -> bool:
    """Whether a client's frame is larger than frames may be."""
    if len(text) > MAX_FRAME_BYTES:
        return True
    return not text.isascii() and len(text.encode("utf-8", "replace")) > MAX_FRAME_BYTES


def parse(value: object) -> Op:
    """The operation that a decoded client frame asks for; FrameError when it asks for none."""
    if not isinstance(value, Mapping):
        raise FrameError("bad_frame", "A frame is a JSON object with an op.")
    op = value.get("op")
    reader = _READERS.get(op) if isinstance(op, str) else None
    if reader is None:
        raise FrameError("bad_frame", f"There is no op {shown(op)}; there are {_OPS}.")
    return reader(value)


def shown(value: object) -> str:
    """A client's value as a message may repeat it."""
    return repr(value)[:40]


def _read_open(fields: Fields) -> Open:
    view = _number(fields, "view")
    of = fields.get("of")
    if of in PLANNED:
        raise FrameError("not_supported", f"Views of {of} are not served yet.", view)
    if not isinstance(of, str) or of not in (*SERVED, PROGRESS):
        allowed = ", ".join((*SERVED, PROGRESS))
        raise FrameError(
            "bad_frame", f"There is no view of {shown(of)}; there are {allowed}.", view
        )
    ids = _ids(fields, of, view)
    return Open(
        view=view,
        of=of,
        query=_query(fields, of, bool(ids), view),
        limit=len(ids) or _limit(fields, view),
        ids=ids,
        since=_since(fields, view),
    )


def _read_close(fields: Fields) -> Close:
    return Close(_number(fields, "view"))


def _read_ack(fields: Fields) -> Ack:
    return Ack(_number(fields, "frame"))


def _read_token(fields: Fields) -> Token:
    """What is wrong with it is told under a code of its own, which strangers are answered too."""
    key, token = fields.get("key"), fields.get("token")
    if not isinstance(key, str) or not 0 < len(key) <= MAX_KEY_LENGTH:
        allowed = f"a text of 1 to {MAX_KEY_LENGTH} characters"
        raise FrameError("bad_token", f"The key of a token is {allowed}.")
    if not isinstance(token, str):
        raise FrameError("bad_token", "A token is a text.", key=key)
    return Token(key, token)


def _read_subjects(fields: Fields) -> Subjects:
    view = _number(fields, "view")
    return Subjects(view, _subjects(fields, "add", view), _subjects(fields, "remove", view))


def _subjects(fields: Fields, name: str, view: int) -> tuple[str, ...]:
    value = fields.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MAX_SUBJECTS:
        message = f"{name} is a list of at most {MAX_SUBJECTS} subjects."
        raise FrameError("bad_frame", message, view)
    for subject in value:
        if public.split(subject) is None:
            message = f"{shown(subject)} is no subject: task: or group:, and an id."
            raise FrameError("bad_frame", message, view)
    return tuple(dict.fromkeys(value))


_READERS: Mapping[str, Callable[[Fields], Op]] = {
    "open": _read_open,
    "close": _read_close,
    "ack": _read_ack,
    "subjects": _read_subjects,
    "token": _read_token,
}
_OPS = ", ".join(_READERS)


def _number(fields: Fields, name: str) -> int:
    value = fields.get(name)
    if not _is_number(value):
        raise FrameError("bad_frame", f"{name} is {shown(value)}; it is a whole number from 0 on.")
    return value


def _is_number(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_NUMBER


def _limit(fields: Fields, view: int) -> int:
    value = fields.get("limit")
    if value is None:
        return DEFAULT_LIMIT
    if not _is_number(value) or not 1 <= value <= MAX_LIMIT:
        allowed = f"a whole number from 1 to {MAX_LIMIT}"
        raise FrameError("bad_frame", f"limit is {shown(value)}; it is {allowed}.", view)
    return value


def _query(fields: Fields, of: str, has_ids: bool, view: int) -> str:
    value = fields.get("query")
    if value is None:
        return ""
    if not isinstance(value, str):
        raise FrameError("bad_frame", f"query is {shown(value)}; it is a text.", view)
    if value.strip() and (of not in SEARCHED or has_ids):
        allowed = " or ".join(SEARCHED)
        raise FrameError(
            "bad_frame", f"Only a view of {allowed}, without ids, takes a query.", view
        )
    return value


def _ids(fields: Fields, of: str, view: int) -> tuple[str, ...]:
    value = [fields.get("id")] if of in SINGLE else fields.get("ids")
    if value is None:
        return ()
    if of not in ("tasks", *SINGLE):
        raise FrameError("bad_frame", f"A view of {of} takes no ids.", view)
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_IDS:
        raise FrameError("bad_frame", f"ids is a list of 1 to {MAX_IDS} ids.", view)
    if not all(isinstance(id_, str) and 0 < len(id_) <= MAX_ID_LENGTH for id_ in value):
        allowed = f"a text of 1 to {MAX_ID_LENGTH} characters"
        raise FrameError("bad_frame", f"An id is {allowed}.", view)
    return tuple(dict.fromkeys(value))


def _since(fields: Fields, view: int) -> Since | None:
    value = fields.get("since")
    if value is None:
        return None
    if isinstance(value, Mapping):
        epoch, revision = value.get("epoch"), value.get("revision")
        if isinstance(epoch, str) and _is_number(revision):
            return Since(epoch, revision)
    raise FrameError("bad_frame", "since holds an epoch and a revision, as frames gave them.", view)
