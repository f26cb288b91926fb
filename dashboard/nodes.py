"""A name for this receiver's queue: the same after a restart, another for each on this machine."""

import fcntl
import hashlib
import os
import socket
import tempfile
from pathlib import Path

MAX_ON_ONE_MACHINE = 64

_held: list[int] = []


class NoNodeName(Exception):
    """No name is free; set HEADWAY_NODE_ID."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


def node_id(*shared: str) -> str:
    """`headway-<host>-<deployment>-<n>` with the first n that no other process of this user holds.

    `shared` is what receivers of one deployment have in common: broker and database. Receivers of
    another one count by themselves, since two that are restarted at once may change their n: each
    then has the other's queue, which must hold the events of the same stream.

    A lock on a file keeps the name until this process ends. Two receivers with one name would share
    the events of one queue, each missing half of them.
    """
    deployment = hashlib.sha256("\n".join(shared).encode()).hexdigest()[:8]
    directory = Path(tempfile.gettempdir())
    for number in range(1, MAX_ON_ONE_MACHINE + 1):
        file = directory / f"headway-receiver-{os.getuid()}-{deployment}-{number}.lock"
        try:
            handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            continue
        _held.append(handle)
        return f"headway-{socket.gethostname()}-{deployment}-{number}"
    raise NoNodeName
