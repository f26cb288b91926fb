"""Websocket clients by the thousand in one process, cheap enough not to be what is measured.

They parse no JSON: a text that holds `"@1795000000.123"` was sent then, and its delay is noted.
"""

import asyncio
import base64
import os
import resource
import socket
import struct
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ACK_FRAMES = 8
ACK_BYTES = 32 * 1024
ACK_S = 1.0
"""When a page acknowledges (docs/reference/protocol.md), whichever comes first."""
AT_ONCE = 40
"""Connections that are made at a time: a listening socket's queue is short."""

_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA
_MARK = b'"@'


def stamp() -> str:
    """The text by which clients know when something was sent."""
    return f"@{time.time():.6f}"


@dataclass
class Tally:
    """What a crowd was told."""

    frames: int = 0
    size: int = 0
    delays_s: list[float] = field(default_factory=list)
    """Of all that arrived since the measurement began."""
    in_time: int = 0
    """How much of that was also sent since then."""
    began_at: float = 0.0

    def reset(self) -> None:
        """Begin a measurement."""
        self.frames = self.size = self.in_time = 0
        self.delays_s = []
        self.began_at = time.time()


class Client(asyncio.Protocol):
    """One websocket. With `is_acking` it speaks the live protocol: it counts the frames of the
    server, which number themselves, and acknowledges them."""

    def __init__(self, tally: Tally, *, is_acking: bool) -> None:
        self._is_acking = is_acking
        self.last = b""
        """The newest text with news."""
        self.renew(tally)

    def renew(self, tally: Tally) -> None:
        """Be as before a first connection."""
        self.is_open = asyncio.Event()
        self.is_closed = False
        self.close_code: int | None = None
        self.frames = 0
        self._tally = tally
        self._acked = 0
        self._unacked_size = 0
        self._buffer = bytearray()
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closed = True

    def ask(self, path: str, headers: Sequence[str]) -> None:
        """Ask for the upgrade."""
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Upgrade: websocket"]
        lines += ["Connection: Upgrade", f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13"]
        self._transport.write(("\r\n".join([*lines, *headers]) + "\r\n\r\n").encode())

    def say(self, text: str, opcode: int = _TEXT) -> None:
        """Send a frame; a mask of zeros is a mask."""
        data = text.encode()
        size = len(data)
        head = bytes((0x80 | opcode, 0x80 | size)) if size < 126 else b"\x81\xfe" + size.to_bytes(2)
        self._transport.write(head + b"\0\0\0\0" + data)

    def end(self) -> None:
        """Go away as a closed tab does."""
        self._transport.abort()

    def ack(self) -> None:
        """Acknowledge what came, if anything did."""
        if self._is_acking and self.frames > self._acked and not self.is_closed:
            self._acked, self._unacked_size = self.frames, 0
            self.say(f'{{"op":"ack","frame":{self.frames}}}')

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        if not self.is_open.is_set() and not self._is_upgraded():
            return
        begin, size = 0, len(buffer)
        while size - begin >= 2:
            length, head = buffer[begin + 1], 2
            if length >= 126:
                head = 4 if length == 126 else 10
                if size - begin < head:
                    break
                kind = ">H" if length == 126 else ">Q"
                (length,) = struct.unpack_from(kind, buffer, begin + 2)
            end = begin + head + length
            if end > size:
                break
            self._take(buffer[begin] & 0xF, bytes(buffer[begin + head : end]))
            begin = end
        if begin:
            del buffer[:begin]

    def _is_upgraded(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        status = bytes(self._buffer[:12])
        if status != b"HTTP/1.1 101":
            raise ConnectionError(f"the server answered {status!r}")
        del self._buffer[: end + 4]
        self.is_open.set()
        return True

    def _take(self, opcode: int, data: bytes) -> None:
        if opcode == _TEXT:
            self.hear(data)
        elif opcode == _PING:
            self.say(data.decode(), _PONG)
        elif opcode == _CLOSE:
            self.close_code = int.from_bytes(data[:2])

    def hear(self, data: bytes) -> None:
        """Take a text of the server."""
        self.frames += 1
        self._unacked_size += len(data)
        self._tally.frames += 1
        self._tally.size += len(data)
        at = data.rfind(_MARK)
        if at >= 0:
            self.last = data
            sent_at = float(data[at + 2 : data.index(b'"', at + 2)])
            self._tally.delays_s.append(time.time() - sent_at)
            self._tally.in_time += sent_at >= self._tally.began_at
        if self.frames - self._acked >= ACK_FRAMES or self._unacked_size >= ACK_BYTES:
            self.ack()


class Crowd:
    """Many clients of one server."""

    def __init__(
        self,
        port: int,
        path: str,
        *,
        headers: Sequence[str] = (),
        is_acking: bool = True,
        kind: type[Client] = Client,
    ) -> None:
        self.tally = Tally()
        """Of all but the slow ones."""
        self.clients: list[Client] = []
        self._port = port
        self._path = path
        self._headers = headers
        self._is_acking = is_acking
        self._kind = kind
        self._tasks: list[asyncio.Task[None]] = []
        self._door = asyncio.Semaphore(AT_ONCE)

    async def join(self, count: int, *says: str) -> None:
        """Open so many more, each of which begins by saying these frames."""
        await asyncio.gather(*(self._open(says) for _ in range(count)))
        if not self._tasks:
            self._tasks.append(asyncio.create_task(self._ack_now_and_then()))

    async def join_slowly(self, count: int, bytes_per_s: int, *says: str) -> list[Client]:
        """Open so many that read no faster than this, and have small buffers."""
        clients = []
        for _ in range(count):
            client = self._kind(Tally(), is_acking=self._is_acking)
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(connection, ("127.0.0.1", self._port))
            client.connection_made(_Slow(connection))
            self._tasks.append(asyncio.create_task(_drip(client, connection, bytes_per_s)))
            client.ask(self._path, self._headers)
            clients.append(client)
        for client in clients:
            await client.is_open.wait()
            for text in says:
                client.say(text)
        return clients

    async def rejoin(self, client: Client, *says: str) -> None:
        """Open a client again that keeps what it has been told."""
        client.renew(self.tally)
        await self._connect(client, says)

    async def leave(self) -> None:
        """Close all connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for client in self.clients:
            client.end()

    async def _open(self, says: Sequence[str]) -> None:
        await self._connect(self._kind(self.tally, is_acking=self._is_acking), says)

    async def _connect(self, client: Client, says: Sequence[str]) -> None:
        loop = asyncio.get_running_loop()
        async with self._door:
            await loop.create_connection(lambda: client, "127.0.0.1", self._port)
            client.ask(self._path, self._headers)
            await asyncio.wait_for(client.is_open.wait(), 60)
        for text in says:
            client.say(text)
        self.clients.append(client)

    async def _ack_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(ACK_S)
            for client in self.clients:
                client.ack()


class _Slow:
    """As much of a transport as a client needs, over a socket that is read by hand."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def write(self, data: bytes) -> None:
        self._connection.send(data)

    def abort(self) -> None:
        self._connection.close()


async def _drip(client: Client, connection: socket.socket, bytes_per_s: int) -> None:
    loop = asyncio.get_running_loop()
    with suppress(OSError), connection:
        while data := await loop.sock_recv(connection, bytes_per_s):
            client.data_received(data)
            client.ack()
            await asyncio.sleep(len(data) / bytes_per_s)
    client.connection_lost(None)


def allow_many_files() -> None:
    """A socket is a file, and shells allow few of them; children inherit what is allowed."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class Pressure:
    """How crowded the machine is: the share of time in which something waited for a processor
    since this was made (docs.kernel.org/accounting/psi.html). What waits is late."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._waited_s = _waited_s()

    def share(self) -> float | None:
        """From 0 to 1, or None where the kernel does not tell."""
        waited_s = _waited_s()
        if waited_s is None or self._waited_s is None:
            return None
        return (waited_s - self._waited_s) / (time.monotonic() - self._began)


def _waited_s() -> float | None:
    try:
        some = Path("/proc/pressure/cpu").read_text().splitlines()[0]
    except OSError:
        return None
    return int(some.rpartition("total=")[2]) / 1e6


def percentile(values: Sequence[float], percent: float) -> float | None:
    """The value that so many percent do not exceed; None of none."""
    if not values:
        return None
    return sorted(values)[min(len(values) - 1, int(len(values) * percent / 100))]
