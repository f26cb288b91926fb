"""A name for this receiver's queue: the same after a restart, another for each on this machine."""

import fcntl
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


def node_id() -> str:
    """`headway-<host>-<n>` with the first n that no other process of this user holds.

    A lock on a file keeps it until this process ends. Two receivers with one name would share the
    events of one queue, each missing half of them.
    """
    directory = Path(tempfile.gettempdir())
    for number in range(1, MAX_ON_ONE_MACHINE + 1):
        file = directory / f"headway-receiver-{os.getuid()}-{number}.lock"
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
        return f"headway-{socket.gethostname()}-{number}"
    raise NoNodeName
