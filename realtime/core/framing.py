"""What the server's frames are made of: a short head of their own (op, frame, view) and a body that
every socket shares."""

from collections.abc import Iterable
from typing import NamedTuple

from realtime.core.frames import MAX_FRAME_BYTES

HEAD_BYTES = 64
"""The most that a head takes."""


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
ROOM = MAX_FRAME_BYTES - FRAME_ROOM
"""For the rows of a frame."""


def pieces(texts: Iterable[Text], room: int = ROOM) -> list[list[Text]]:
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


def first(texts: Iterable[Text], room: int) -> tuple[list[Text], int]:
    """As many as there is room for, one at the least, and the room that is left."""
    found: list[Text] = []
    for text in texts:
        size = text.size + COMMA_BYTES
        if size > room and (found or room < ROOM):
            break
        found.append(text)
        room -= size
    return found, room
