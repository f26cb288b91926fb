"""One socket's view of progress: the subjects that it follows, and what it has still to be told."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from realtime.core import frames, framing, public
from realtime.core.frames import FrameError, Open, Subjects
from realtime.core.framing import Text
from realtime.core.public import Shown
from realtime.hub.rows import json_text
from realtime.hub.subjects import Maker, Subject

if TYPE_CHECKING:
    from realtime.hub.reading import Reading
    from realtime.hub.socket import Socket

PATIENCE_S = 10.0
"""For a task to be heard of, and to be its owner's, before it is refused. Whose it is, and whether
there is one, must not be told apart by the answer."""

NOT_ALLOWED = "No token of this connection opens this."
TOO_MANY = f"A view follows at most {frames.MAX_SUBJECTS} tasks and groups: remove some first."
TOO_FAST = "Too many tasks and groups were asked for in a short time."


class Following:
    """Tells the newest state of each subject as far as the socket has credit: who is slow misses
    states in between, never the last one. Touched only by the hub's loop."""

    def __init__(
        self,
        socket: Socket,
        op: Open,
        reading: Reading,
        maker: Maker,
        revision: Callable[[], int],
        note_refusal: Callable[[str], None],
        awaiting: dict[Following, None],
    ) -> None:
        """`revision` is where the hub stands; to `awaiting` it adds itself while it has to be
        asked by the clock."""
        self.socket = socket
        self.op = op
        self._reading = reading
        self._maker = maker
        self._revision = revision
        self._note_refusal = note_refusal
        self._awaiting = awaiting
        self._followed: dict[str, Subject] = {}
        self._shown: dict[Subject, Shown] = {}
        """Those that a token opens now."""
        self._awaited: dict[Subject, float] = {}
        """Those that may turn out to be the owner's, until when that is waited for."""
        self._changed: dict[Subject, None] = {}
        self._gone: dict[str, None] = {}
        self._is_begun = False

    @property
    def waiting_size(self) -> int:
        """Bytes of the rows that wait for credit."""
        return sum(self._text(subject).size for subject in self._changed)

    def change(self, op: Subjects) -> None:
        """Follow more of them, or fewer."""
        for key in op.remove:
            self._leave(key)
        now = self._reading.now()
        for key in op.add:
            if key in self._followed:
                continue
            try:
                self._follow(key, now)
            except FrameError as error:
                self._refuse(key, error)
        self._begin_flush()

    def renew(self, keys: Iterable[str] | None) -> None:
        """The tokens of the socket allow other than before: of these subjects, of all for None."""
        for key in self._followed.keys() if keys is None else keys:
            subject = self._followed.get(key)
            if subject is not None:
                self._look(subject)
        self._begin_flush()

    def hear(self, subjects: list[Subject]) -> None:
        """These changed."""
        if len(subjects) == 1 and self._is_told(subjects[0]):
            return
        for subject in subjects:
            if subject in self._awaited or self.socket.keyring.has_owner:
                self._look(subject)
            if subject in self._shown:
                self._changed[subject] = None
        self._begin_flush()

    def tick(self, now: float) -> None:
        """Refuse what was waited for in vain."""
        for subject, until in list(self._awaited.items()):
            # Not while the store is away: nobody knows then whose it is.
            if now >= until and subject.is_read:
                self._leave(subject.key)
                self._refuse(subject.key, FrameError("not_allowed", NOT_ALLOWED))
        if not self._awaited:
            self._awaiting.pop(self, None)

    def end(self) -> None:
        """Follow nothing any more."""
        for key in list(self._followed):
            self._leave(key)
        self._awaiting.pop(self, None)

    def flush(self) -> bool:
        """Send what credit allows; whether everything is sent."""
        while self._changed or self._gone:
            if not self.socket.allows(0):
                return False
            room = framing.ROOM
            gone, room = framing.first(map(json_text, self._gone), room)
            texts, _ = framing.first(map(self._text, self._changed), room)
            if not self._send(texts, gone):
                return False
            _drop_first(self._changed, len(texts))
            _drop_first(self._gone, len(gone))
        return True

    def _send(self, texts: list[Text], gone: list[Text]) -> bool:
        """One frame; the first one replaces what the reader may hold of an earlier connection."""
        revision = self._revision()
        if self._is_begun:
            op, body = "patch", framing.patch_body(revision, texts, gone)
        else:
            op, body = "snapshot", framing.snapshot_body(revision, texts, 1, 1)
        sized = framing.sized(body)
        if not self.socket.allows(sized.size + framing.HEAD_BYTES):
            return False
        self._is_begun = True
        self.socket.send(op, sized, self.op.view)
        self._reading.counters["progress_rows"] += len(texts)
        return True

    def _is_told(self, subject: Subject) -> bool:
        """Whether a change was told at once, in the frame that others are sent too."""
        shown = self._shown.get(subject)
        is_behind = bool(self._changed or self._gone) or not self._is_begun
        if shown is None or is_behind or self.socket.keyring.has_owner:
            return False
        encoded = self._maker.encoded(subject, shown)
        body = subject.patch(shown, self._revision(), encoded)
        if not self.socket.allows(body.size + framing.HEAD_BYTES):
            return False
        self.socket.send("patch", body, self.op.view)
        self._reading.counters["progress_rows"] += 1
        return True

    def _begin_flush(self) -> None:
        if self._changed or self._gone:
            self.socket.note_due(self)

    def _text(self, subject: Subject) -> Text:
        return self._maker.encoded(subject, self._shown[subject]).text

    def _follow(self, key: str, now: float) -> None:
        keyring = self.socket.keyring
        if len(self._followed) >= frames.MAX_SUBJECTS:
            raise FrameError("too_many_subjects", TOO_MANY)
        if not keyring.adds.take(now):
            raise FrameError("too_fast", TOO_FAST, retry=True)
        cover = keyring.cover(key, None)
        is_task = key.startswith(f"{public.TASK}:")
        if cover is None and not (keyring.has_owner and is_task):
            raise FrameError("not_allowed", NOT_ALLOWED)
        subject = self._reading.follow(key, self, cover and cover.issued_at)
        self._followed[key] = subject
        self._gone.pop(key, None)
        self._look(subject, is_new=True)

    def _look(self, subject: Subject, *, is_new: bool = False) -> None:
        """See what the tokens allow of a subject now."""
        before = self._shown.get(subject)
        cover = self.socket.keyring.cover(subject.key, subject.owner)
        if cover is None:
            self._hide(subject)
            if is_new:
                self._awaited[subject] = self._reading.now() + PATIENCE_S
                self._awaiting[self] = None
            return
        self._awaited.pop(subject, None)
        self._gone.pop(subject.key, None)
        self._shown[subject] = cover.shown
        self._reading.vouch(subject, cover.issued_at)
        if subject.is_read and before != cover.shown:
            self._changed[subject] = None

    def _hide(self, subject: Subject) -> None:
        if self._shown.pop(subject, None) is not None:
            self._changed.pop(subject, None)
            self._gone[subject.key] = None

    def _leave(self, key: str) -> None:
        subject = self._followed.pop(key, None)
        if subject is None:
            return
        self._shown.pop(subject, None)
        self._awaited.pop(subject, None)
        self._changed.pop(subject, None)
        self._gone.pop(key, None)
        self._reading.leave(subject, self)

    def _refuse(self, key: str, error: FrameError) -> None:
        self._note_refusal(error.code)
        told = {"retry": False, **error.details}
        fields = {"view": self.op.view, "subject": key, "code": error.code}
        self.socket.answers.put(key, "error", {**fields, "message": error.message, **told})


Key = TypeVar("Key")


def _drop_first(held: dict[Key, None], count: int) -> None:
    for key in list(islice(held, count)):
        del held[key]
