"""A way to a server that a test can cut, slow down and mend."""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator

from tests.services.process import free_port

_CHUNK = 1 << 16


class Proxy(socketserver.ThreadingTCPServer):
    """Passes on what comes to `port` to the server on `target`, and back."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = free_port()
        self.bytes_per_s: float | None = None
        """The most that comes back in a second on each connection; None for all there is."""
        self._is_cut = threading.Event()
        self._mended = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", self.port), _Passage)

    @contextlib.contextmanager
    def running(self) -> Iterator["Proxy"]:
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield self
        finally:
            self.cut()
            self.shutdown()
            self.server_close()
            thread.join()

    def cut(self) -> None:
        """End every connection, and each new one at once, until `mend`."""
        self._is_cut.set()
        with self._lock:
            for connection in self._open:
                shut(connection)

    def mend(self) -> None:
        """Let everything through again."""
        self._is_cut.clear()
        self.bytes_per_s = None
        self._mended.set()
        self._mended.clear()

    @property
    def is_cut(self) -> bool:
        return self._is_cut.is_set()

    @contextlib.contextmanager
    def known(self, *connections: socket.socket) -> Iterator[None]:
        with self._lock:
            self._open.update(connections)
        try:
            yield
        finally:
            with self._lock:
                self._open.difference_update(connections)

    def throttle(self, size: int) -> None:
        """Wait for as long as so many bytes take now, at the longest until the way is mended."""
        rate = self.bytes_per_s
        if rate:
            self._mended.wait(size / rate)


class _Passage(socketserver.BaseRequestHandler):
    server: Proxy

    def handle(self) -> None:
        if self.server.is_cut:
            return
        here: socket.socket = self.request
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self.server.target)) as there,
            self.server.known(here, there),
        ):
            back = threading.Thread(target=self._pass, args=(there, here, True), daemon=True)
            back.start()
            self._pass(here, there, False)
            back.join()

    def _pass(self, source: socket.socket, target: socket.socket, is_back: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK):
                if is_back:
                    self.server.throttle(len(data))
                target.sendall(data)
        shut(target)
        shut(source)


def shut(connection: socket.socket) -> None:
    """End a connection in both directions, whatever state it is in."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
