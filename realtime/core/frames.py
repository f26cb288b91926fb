"""The frames of the live socket (docs/reference/protocol.md): a client's read into values, and the
texts that the server's are made of.

A server frame is a short head of its own (op, frame, view) and a body that every socket shares.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeGuard

MAX_FRAME_BYTES = 16 * 1024
"""Of a client's frame, and of a piece of a snapshot or patch: a slow link delays others' news by
little, and an acknowledgement covers little."""
DEFAULT_LIMIT = 100
MAX_LIMIT = 500
MAX_IDS = 500
MAX_ID_LENGTH = 255
MAX_NUMBER = 2**53
"""The largest whole number that JavaScript counts with."""

BAD_PEER = 4400
TOO_MANY = 4405
TOO_SLOW = 4408
NOT_ALLOWED = 4503
NO_RIGHT = 4504
"""Why a socket is closed. From 4500 on they mean: do not come back."""
RESTARTING = 4412
TRY_LATER = 4413
"""Come back. Not the registered 1012 and 1013: autobahn, and so daphne, refuses to send those."""

HEAD_BYTES = 64
"""The most that a head takes."""

TOLD = ("overview", "failures", "queues", "schedule", "audit", "operations")
"""What no batch tells of: only the store can say how it stands."""
SERVED = ("tasks", "task", "workers", "worker", *TOLD)
PLANNED = ("group", "progress")
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


Op = Open | Close | Ack
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
    if not isinstance(of, str) or of not in SERVED:
        allowed = ", ".join(SERVED)
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


def _read_later(fields: Fields) -> Op:
    view = fields.get("view")
    raise FrameError(
        "not_supported",
        f"The op {fields['op']} is not served yet.",
        view if _is_number(view) else None,
    )


_READERS: Mapping[str, Callable[[Fields], Op]] = {
    "open": _read_open,
    "close": _read_close,
    "ack": _read_ack,
    "subjects": _read_later,
    "token": _read_later,
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


class Text(NamedTuple):
    """JSON text, and its size in bytes of UTF-8."""

    text: str
    size: int


COMMA_BYTES = 1


def sized(text: str) -> Text:
    """The text with its size."""
    return Text(text, len(text) if text.isascii() else len(text.encode()))


def head(op: str, frame: int, view: int | None = None) -> str:
    """What a frame begins with; a body follows."""
    of_view = "" if view is None else f'"view":{view},'
    return f'{{"op":"{op}","frame":{frame},{of_view}'


def snapshot_body(
    revision: int, rows: Iterable[Text], part: int, of: int, counts: str | None = None
) -> str:
    """The rest of a snapshot's piece."""
    joined = ",".join([row.text for row in rows])
    told = f',"counts":{counts}' if counts else ""
    return f'"revision":{revision},"rows":[{joined}],"part":{part},"of":{of}{told}}}'


def patch_body(
    revision: int, upsert: Iterable[Text], remove: Iterable[Text], counts: str | None = None
) -> str:
    """The rest of a patch; `remove` holds ids as JSON texts."""
    rows = ",".join([row.text for row in upsert])
    keys = ",".join([key.text for key in remove])
    told = f',"counts":{counts}' if counts else ""
    return f'"revision":{revision},"upsert":[{rows}],"remove":[{keys}]{told}}}'


FRAME_ROOM = 1024
"""Of a frame's bytes, for its head, its counts and its brackets."""


def pieces(texts: Iterable[Text], room: int = MAX_FRAME_BYTES - FRAME_ROOM) -> list[list[Text]]:
    """The texts in order, in pieces of at most `room` bytes; a larger one is a piece alone. At
    least one piece, which may be empty."""
    found: list[list[Text]] = [[]]
    size = 0
    for text in texts:
        if found[-1] and size + text.size + COMMA_BYTES > room:
            found.append([])
            size = 0
        found[-1].append(text)
        size += text.size + COMMA_BYTES
    return found
