"""One hub per web process: change batches -> views -> sockets.

- `hub`: the life of a hub; what arrives, and what becomes due.
- `stream`: where the hub stands, and how it catches up.
- `watch`, `views`, `counts`: each distinct view, evaluated once for all who watch it.
- `resume`: what a reader who comes back is told.
- `socket`, `feed`: one connection, and one view on it.
- `viewers`: whose connections they are, and what those people may see.
- `rows`: from a batch to the bytes that views share.
- `inlet`, `pool`: the channel layer; the threads that read the store.
- `registry`: the hubs of a process, one for each event loop.
"""

from realtime.hub.hub import Hub
from realtime.hub.registry import Hubs
from realtime.hub.settings import About, Limits

__all__ = ["About", "Hub", "Hubs", "Limits"]
