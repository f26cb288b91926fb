"""One hub per web process: change batches -> views -> sockets.

- `hub`: the life of a hub; what arrives, and what becomes due.
- `cursor`: where the hub stands in the stream, and how it catches up.
- `views`, `counts`: each distinct view, evaluated once for all who watch it.
- `socket`, `feed`: one connection, and one view on it.
- `viewers`: whose connections they are, and what those people may see.
- `inlet`: the channel layer.
"""

from realtime.hub.hub import Hub
from realtime.hub.registry import Hubs
from realtime.hub.settings import About, Limits

__all__ = ["About", "Hub", "Hubs", "Limits"]
