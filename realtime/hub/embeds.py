"""The hub's side for people who wait: tokens, and the views of progress that they open."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from realtime.core import frames
from realtime.core.frames import FrameError, Open, Subjects, Token
from realtime.embedding import BadToken, Grant, PublicReads, Tokens
from realtime.hub.following import Following
from realtime.hub.keyring import MAX_TOKENS
from realtime.hub.pool import Offload
from realtime.hub.reading import Reading, Spawn
from realtime.hub.rows import TASKS, frame_body
from realtime.hub.settings import Limits
from realtime.hub.stream import News, Stream
from realtime.hub.subjects import Maker

if TYPE_CHECKING:
    from realtime.hub.socket import Socket

logger = logging.getLogger(__name__)

STATE_EVERY_S = 10.0
"""Pages give up a connection that is silent for twice as long."""

NOT_FROM_HERE = "This page's origin is not one that Headway serves."
NOT_CONFIGURED = "This server shows no progress to others: it has no key for tokens."
UNREADABLE = "The token could not be read."
TOO_FAST = "Too many tokens were sent in a short time."
TOO_MANY = f"A connection has at most {MAX_TOKENS} tokens, and what they name is bounded too."
ONE_VIEW = "A connection has one view of progress: change its subjects."


class Embeds:
    """Touched only by the hub's loop."""

    def __init__(
        self,
        *,
        tokens: Tokens | None,
        reads: PublicReads | None,
        pool: Offload,
        stream: Stream,
        counters: Counter[str],
        limits: Limits,
        clock: Callable[[], float],
        now: Callable[[], float],
        spawn: Spawn,
    ) -> None:
        """`clock` is Unix seconds, `now` seconds that never go back."""
        self.is_open = tokens is not None
        """Whether a token can open anything."""
        self._tokens = tokens
        self._stream = stream
        self._counters = counters
        self._clock = clock
        self._now = now
        self._maker = Maker(counters, clock, limits.public_errors)
        self._reading = Reading(
            reads=reads,
            pool=pool,
            counters=counters,
            max_subjects=limits.subjects,
            clock=clock,
            now=now,
            spawn=spawn,
        )
        self._tell_refusal: Callable[[str], object] | None = None
        self._holders: dict[Socket, None] = {}
        self._ends_at = math.inf
        """When the next of all tokens ends, Unix seconds."""
        self._awaiting: dict[Following, None] = {}
        self._state: object = None
        self._told_at = now()

    def tell_refusals(self, listener: Callable[[str], object]) -> None:
        """Tell this function the reason of each refusal to a token."""
        self._tell_refusal = listener

    def note_refusal(self, code: str, reason: str | None = None) -> None:
        """Count a refusal to a token."""
        self._counters[f"refused_{code}"] += 1
        if self._tell_refusal is not None:
            self._tell_refusal(reason or code)

    def take_token(self, socket: Socket, op: Token) -> None:
        """Show what this token allows, or say why not."""
        if not socket.takes_tokens:
            self._refuse_origin(socket, op)
            return
        try:
            grant = self._verified(socket, op)
        except BadToken as refused:
            self._refuse(socket, op, refused)
            return
        keys = socket.keyring.put(op.key, grant)
        self._counters["tokens"] += 1
        self._ends_at = min(self._ends_at, grant.expires_at)
        named = len(grant.tasks) + len(grant.groups)
        fields = {"key": op.key, "expires_at": grant.expires_at, "subjects": named}
        socket.answers.put(("token", op.key), "token", fields)
        if socket not in self._holders:
            self._holders[socket] = None
            if socket.viewer.is_stranger:
                socket.tell_stream(frame_body({"state": self._told_state()}))
        for following in self._followings(socket):
            following.renew(keys)

    def open(self, socket: Socket, op: Open) -> Following:
        """A view of progress, which follows nothing yet; FrameError when it is refused."""
        if self._followings(socket):
            raise FrameError("too_many_views", ONE_VIEW, op.view)
        return Following(
            socket,
            op,
            self._reading,
            self._maker,
            lambda: self._stream.revision,
            self.note_refusal,
            self._awaiting,
        )

    def change(self, socket: Socket, op: Subjects) -> None:
        """Follow other subjects; FrameError where this is no view of progress."""
        following = socket.feeds.get(op.view)
        if not isinstance(following, Following):
            raise FrameError("bad_frame", f"View {op.view} shows no progress: open it first.")
        following.change(op)

    def leave(self, socket: Socket) -> None:
        """The connection has ended."""
        self._holders.pop(socket, None)

    def apply(self, news: News) -> None:
        """Take up what a batch told."""
        self._reading.apply(news.changes)

    def catch_up(self, news: News) -> None:
        """Take up what the store told of what was missed: of groups it is not asked."""
        self._reading.apply({TASKS: news.changes.get(TASKS, [])})
        self._reading.read_again("group")

    def lose(self) -> None:
        """Changes were missed."""
        self._reading.read_again()

    def tell_stream(self, told: Mapping[str, object]) -> None:
        """Tell holders of tokens how the stream stands, in a word."""
        state, now = told.get("state"), self._now()
        if state == self._state and now - self._told_at < STATE_EVERY_S:
            return
        self._state, self._told_at = state, now
        body = frame_body({"state": state})
        for socket in list(self._holders):
            if socket.viewer.is_stranger:
                socket.tell_stream(body)

    def tick(self) -> None:
        """Do what is due: one step for each subject that has to be read, none for its readers."""
        at, now = self._clock(), self._now()
        if at >= self._ends_at:
            self._expire(at, now)
        for following in list(self._awaiting):
            following.tick(now)
        is_blind = self._stream.pulse.is_blind(at)
        if is_blind != self._maker.is_blind:
            self._maker.is_blind = is_blind
            self._reading.turn()
        self._reading.tick()

    def _verified(self, socket: Socket, op: Token) -> Grant:
        keyring = socket.keyring
        if self._tokens is None:
            raise BadToken("not_configured", NOT_CONFIGURED)
        if not keyring.tokens.take(self._now()):
            raise BadToken("too_fast", TOO_FAST)
        try:
            grant = self._tokens.verify(op.token, self._clock())
        except BadToken:
            raise
        except Exception as error:
            logger.exception("A token could not be read", extra={"action": "read_token"})
            raise BadToken("bad_token", UNREADABLE) from error
        if not keyring.has_room(op.key, grant):
            raise BadToken("too_many_tokens", TOO_MANY)
        return grant

    def _refuse(self, socket: Socket, op: Token, refused: BadToken) -> None:
        is_over = refused.code in ("token_expired", "too_fast")
        self.note_refusal(refused.code, refused.reason)
        self._answer(socket, op.key, refused.code, refused.message, retry=is_over)
        socket.keyring.refuse(is_over=is_over, now=self._now())

    def _refuse_origin(self, socket: Socket, op: Token) -> None:
        self.note_refusal("origin_not_allowed")
        if socket.viewer.is_stranger:
            socket.dismiss(frames.NOT_ALLOWED, "origin_not_allowed", NOT_FROM_HERE, retry=False)
        else:
            self._answer(socket, op.key, "origin_not_allowed", NOT_FROM_HERE, retry=False)

    def _answer(self, socket: Socket, key: str, code: str, message: str, *, retry: bool) -> None:
        fields = {"key": key, "code": code, "message": message, "retry": retry}
        socket.answers.put(("token", key), "error", fields)

    def _expire(self, at: float, now: float) -> None:
        self._ends_at = math.inf
        for socket in list(self._holders):
            keyring = socket.keyring
            if keyring.expires_at <= at:
                for key in keyring.expire(at, now):
                    message = "The token has expired: send a fresh one under this key."
                    self.note_refusal("token_expired", "token_ran_out")
                    self._answer(socket, key, "token_expired", message, retry=True)
                for following in self._followings(socket):
                    following.renew(None)
            self._ends_at = min(self._ends_at, keyring.expires_at)

    def _followings(self, socket: Socket) -> list[Following]:
        return [feed for feed in socket.feeds.values() if isinstance(feed, Following)]

    def _told_state(self) -> object:
        return self._stream.pulse.told(self._clock()).get("state")
